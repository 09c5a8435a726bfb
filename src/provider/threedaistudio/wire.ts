import { z } from 'zod';
import { code, httpUrl, list, percent, taskId, text, toFields } from '../lenient.ts';
import type { Accepted } from '../read-submitted.ts';
import type { Said } from '../trouble.ts';

const accepted = z.object({ task_id: taskId });
const task = z.object({ status: z.string(), progress: percent, results: list });
const result = z.object({ asset_url: httpUrl, asset: httpUrl });
const words = z.object({ code, message: text, detail: text, error: text, failure_reason: text });

export type WireTask = z.infer<typeof task>;

/** The answer to a submission, or null when it names no task. What it charges is documented, and stands in no answer. */
export function parseAccepted(body: unknown): Accepted | null {
  const { data } = accepted.safeParse(body);
  return data ? { providerTaskId: data.task_id, credits: null, etaSeconds: null } : null;
}

/** The answer to a poll, or null when it states no status. */
export function parseTask(body: unknown): WireTask | null {
  return task.safeParse(body).data ?? null;
}

/** Where each result can be fetched, null for one that is not there yet: `asset` is all that older endpoints have. */
export function readUrls({ results }: WireTask): (string | null)[] {
  return results.map((each) => {
    const { asset_url, asset } = result.parse(toFields(each));
    return asset_url ?? asset;
  });
}

/**
 * What an error says. Its envelope is UNKNOWN (providers.md §5.3): an object or a sentence in `error`, or `code`, `detail`
 * and `message` beside each other; of a failed task its `failure_reason`.
 */
export function parseSaid(body: unknown): Said {
  const fields = toFields(body);
  const outer = words.parse(fields);
  const inner = words.parse(toFields(fields.error));
  const [error, other] = isCode(outer.error) ? [null, outer.error] : [outer.error, null];
  const message =
    outer.failure_reason ?? inner.message ?? inner.detail ?? error ?? outer.message ?? outer.detail ?? null;
  return { code: inner.code ?? outer.code ?? other, message, hint: findPause(message) };
}

function isCode(error: string | null): boolean {
  return error !== null && /^[a-z]+(_[a-z]+)+$/.test(error);
}

/** `Expected available in 17 seconds.` (providers.md §5.3). */
function findPause(message: string | null): string | null {
  return /available in \d+ seconds?/i.exec(message ?? '')?.[0] ?? null;
}
