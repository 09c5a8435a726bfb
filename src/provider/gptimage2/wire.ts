import { z } from 'zod';
import { findSaid } from '../find-said.ts';
import { isHttpUrl } from '../http-url.ts';
import { credits, list, percent, seconds, taskId, text } from '../lenient.ts';
import type { Accepted } from '../read-submitted.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';

const accepted = z.object({
  id: taskId,
  task_info: z.object({ estimated_time: seconds }).catch({ estimated_time: null }),
  usage: z.object({ credits_reserved: credits }).catch({ credits_reserved: null }),
});

const callback = z.object({ id: taskId }).transform(({ id }) => ({ providerTaskId: id }));
const task = z.object({ status: z.string(), progress: percent, results: list, result_data: list });
const resultItem = z.object({ image_url: z.string() });
const advice = z.object({ error: z.object({ fallback_suggestion: text }) });

export type WireTask = z.infer<typeof task>;

/** The answer to a submission, or null when it names no task. */
export function parseAccepted(body: unknown): Accepted | null {
  const { data } = accepted.safeParse(body);
  if (!data) return null;
  const { id, usage, task_info } = data;
  return { providerTaskId: id, credits: usage.credits_reserved, etaSeconds: task_info.estimated_time };
}

/** Whose end a callback reports, or null when it names no task. The rest of it is asked for (providers.md §1.4). */
export function parseCallback(body: unknown): { providerTaskId: string } | null {
  return callback.safeParse(body).data ?? null;
}

/** The answer to a poll, or null when it states no status. */
export function parseTask(body: unknown): WireTask | null {
  return task.safeParse(body).data ?? null;
}

/** What `error` says; when to come back stands in `fallback_suggestion`. */
export function parseSaid(body: unknown): Said {
  const hint = advice.safeParse(body).data?.error.fallback_suggestion ?? null;
  return { ...(findSaid(body) ?? NOTHING_SAID), hint };
}

/** The result URLs that can be fetched: from `results`, or from `result_data` where some models put them. */
export function readUrls({ results, result_data }: WireTask): string[] {
  const urls = results.filter(isHttpUrl);
  if (urls.length > 0) return urls;
  return result_data.map((item) => resultItem.safeParse(item).data?.image_url).filter(isHttpUrl);
}
