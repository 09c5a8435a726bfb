import { z } from 'zod';
import { findSaid } from '../find-said.ts';
import { httpUrl, list, taskId } from '../lenient.ts';
import type { Accepted } from '../read-submitted.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';

// Seed 002's JSON says `id`, its prose `task_id`.
const accepted = z.union([
  z.object({ id: taskId }),
  z.object({ task_id: taskId }).transform(({ task_id }) => ({ id: task_id })),
]);
const task = z.object({ status: z.string(), output: z.unknown().optional() });
const output = z.object({ image_urls: list });

export type WireTask = z.infer<typeof task>;

/** The answer to a submission, or null when it names no task. */
export function parseAccepted(body: unknown): Accepted | null {
  const { data } = accepted.safeParse(body);
  return data ? { providerTaskId: data.id, credits: null, etaSeconds: null } : null;
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

/** What `error` says: its code is a number of five digits (providers.md §4.3); when to come back stands in the message. */
export function parseSaid(body: unknown): Said {
  const said = findSaid(body) ?? NOTHING_SAID;
  return { ...said, hint: said.message };
}
