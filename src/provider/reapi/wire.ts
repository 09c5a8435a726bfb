import { z } from 'zod';
import { code, httpUrl, list, taskId, text } from '../lenient.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';

// Seed 002's JSON says `id`, its prose `task_id`.
const accepted = z.union([
  z.object({ id: taskId }),
  z.object({ task_id: taskId }).transform(({ task_id }) => ({ id: task_id })),
]);
const task = z.object({ status: z.string(), output: z.unknown().optional() });
const output = z.object({ image_urls: list });
const failure = z.object({ error: z.object({ code, message: text }) });
const sentence = z.object({ error: z.string() });

export type WireTask = z.infer<typeof task>;

/** The id in the answer to a submission, or null when it names no task. */
export function parseAccepted(body: unknown): string | null {
  return accepted.safeParse(body).data?.id ?? null;
}

/** The answer to a poll, or null when it states no status. */
export function parseTask(body: unknown): WireTask | null {
  return task.safeParse(body).data ?? null;
}

/** The result URLs that can be fetched. */
export function readUrls(task: WireTask): string[] {
  const urls = output.safeParse(task.output).data?.image_urls ?? [];
  return urls.map((url) => httpUrl.parse(url)).filter((url) => url !== null);
}

/** What `error` says, in a failed task or an HTTP error: its code is a number of five digits (providers.md §4.3). */
export function parseSaid(body: unknown): Said {
  const error = failure.safeParse(body).data?.error ?? { code: null, message: sentence.safeParse(body).data?.error };
  return { ...NOTHING_SAID, code: error.code, message: error.message ?? null, hint: error.message ?? null };
}
