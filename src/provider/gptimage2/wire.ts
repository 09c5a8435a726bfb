import { z } from 'zod';
import { isHttpUrl } from '../http-url.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';

// What no source settles may be missing or of another kind: it then counts as not given.
const text = z.string().nullable().catch(null);
const code = z
  .union([z.string(), z.number().transform(String)])
  .nullable()
  .catch(null);
const list = z.array(z.unknown()).catch([]);
const credits = z
  .union([z.string(), z.number().transform(String)])
  .pipe(z.string().regex(/^\d{1,15}(\.\d{1,15})?$/))
  .nullable()
  .catch(null);
const seconds = z.number().nonnegative().max(604_800).transform(Math.ceil).nullable().catch(null);

/** It becomes a part of a path, where `.` and `..` would lead elsewhere. */
const taskId = z.string().regex(/^(?!\.{1,2}$)[\x21-\x7e]{1,256}$/);

const accepted = z.object({
  id: taskId,
  task_info: z.object({ estimated_time: seconds }).catch({ estimated_time: null }),
  usage: z.object({ credits_reserved: credits }).catch({ credits_reserved: null }),
});

const callback = z.object({ id: taskId }).transform(({ id }) => ({ providerTaskId: id }));

const task = z.object({
  id: text,
  status: z.string(),
  progress: z.number().nullable().catch(null),
  results: list,
  result_data: list,
});

const resultItem = z.object({ image_url: z.string() });
const failure = z.object({ code, message: text, fallback_suggestion: text });

export type WireAccepted = z.infer<typeof accepted>;
export type WireTask = z.infer<typeof task>;

/** The answer to a submission, or null when it names no task. */
export function parseAccepted(body: unknown): WireAccepted | null {
  return accepted.safeParse(body).data ?? null;
}

/** Whose end a callback reports, or null when it names no task. The rest of it is asked for (providers.md §1.4). */
export function parseCallback(body: unknown): { providerTaskId: string } | null {
  return callback.safeParse(body).data ?? null;
}

/** The answer to a poll, or null when it states no status. */
export function parseTask(body: unknown): WireTask | null {
  return task.safeParse(body).data ?? null;
}

/** What `error` says, in a failed task or an HTTP error: an object, whose `code` may be a number, or a bare string. */
export function parseSaid(body: unknown): Said {
  const error = z.object({ error: z.unknown() }).safeParse(body).data?.error;
  if (typeof error === 'string') return { ...NOTHING_SAID, message: error };
  const parsed = failure.safeParse(error).data;
  return parsed ? { code: parsed.code, message: parsed.message, hint: parsed.fallback_suggestion } : NOTHING_SAID;
}

/** The result URLs that can be fetched: from `results`, or from `result_data` where some models put them. */
export function readUrls({ results, result_data }: WireTask): string[] {
  const urls = results.filter(isHttpUrl);
  if (urls.length > 0) return urls;
  return result_data.map((item) => resultItem.safeParse(item).data?.image_url).filter(isHttpUrl);
}
