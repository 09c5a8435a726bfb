import type { Dialect, Reply } from './dialect.ts';

/** How many requests each key may send in any minute. */
export interface RateLimit {
  /** Zero when the request may pass, which then counts; else the seconds until one may. */
  take(key: string, now: number): number;
}

const MINUTE_MS = 60_000;

export function createRateLimit(perMinute: number): RateLimit {
  const passed = new Map<string, number[]>();
  return {
    take(key, now) {
      const recent = (passed.get(key) ?? []).filter((at) => at > now - MINUTE_MS);
      passed.set(key, recent);
      const oldest = recent.at(-perMinute);
      if (recent.length >= perMinute && oldest !== undefined) return Math.ceil((oldest + MINUTE_MS - now) / 1000);
      recent.push(now);
      return 0;
    },
  };
}

/** The provider's own words, with the true wait where it names one. */
export function toRateLimited(dialect: Dialect, waitS: number): Reply {
  const reply = dialect.refuse('rate-limited', waitS);
  if (reply === 'cut' || !reply.headers?.['retry-after']) return reply;
  return { ...reply, headers: { ...reply.headers, 'retry-after': String(waitS) } };
}
