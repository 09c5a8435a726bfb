import type { Dialect, Reply } from './dialect.ts';

/** How many requests each key may send in any minute. */
export interface RateLimit {
  /** Zero when the request may pass, which then counts, as `weight` of them; else the seconds until it may. */
  take(key: string, now: number, weight?: number): number;
}

const MINUTE_MS = 60_000;

export function createRateLimit(perMinute: number): RateLimit {
  const passed = new Map<string, number[]>();
  return {
    take(key, now, weight = 1) {
      const recent = (passed.get(key) ?? []).filter((at) => at > now - MINUTE_MS);
      passed.set(key, recent);
      const tooMany = recent.length + weight - perMinute;
      if (tooMany > 0) return Math.ceil(((recent[tooMany - 1] ?? now) + MINUTE_MS - now) / 1000);
      recent.push(...Array(weight).fill(now));
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
