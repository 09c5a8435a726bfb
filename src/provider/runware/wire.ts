import { z } from 'zod';
import { code, httpUrl, list, percent, text, toFields } from '../lenient.ts';
import type { Said } from '../trouble.ts';

const taskUUID = z
  .string()
  .regex(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i)
  .toLowerCase()
  .nullable()
  .catch(null);

const seed = z.int().transform(String).nullable().catch(null);
const cost = z.number().nonnegative().max(1_000_000).nullable().catch(null);

const imageUUID = z.string().min(1).max(256).nullable().catch(null);
const item = z.object({ taskUUID, status: text, imageUUID, imageURL: httpUrl, seed, cost, progress: percent });
const fault = z.object({ taskUUID, taskType: text, code, message: text });
const frozen = z.object({ tasks: list });
const details = z.object({ taskUUID, request: z.unknown().optional(), response: z.unknown().optional() });

/** One image of a task, or the task itself while there is none. */
export type WireItem = z.infer<typeof item>;

/** An error, of a task where it names one. */
export type WireError = z.infer<typeof fault>;

export interface WireAnswer {
  items: WireItem[];
  errors: WireError[];
}

/** The array that is sent of a frozen body, and the task it names. */
export function readFrozen(body: Record<string, unknown>): { tasks: unknown[]; taskUUID: string | null } {
  const { tasks } = frozen.parse(body);
  return { tasks, taskUUID: item.parse(toFields(tasks[0])).taskUUID };
}

/**
 * The envelope of every answer; either key may be absent, null when both are. An item with the status `error` counts as
 * one of the errors, whose other place is beside them (providers.md §3.3).
 */
export function parseAnswer(body: unknown): WireAnswer | null {
  const { data, errors } = toFields(body);
  if (!Array.isArray(data) && !Array.isArray(errors)) return null;
  const [items, failed] = [list.parse(data).filter((each) => !isError(each)), list.parse(data).filter(isError)];
  return {
    items: items.map((each) => item.parse(toFields(each))),
    errors: [...list.parse(errors).map(parseError), ...failed.map(parseError)],
  };
}

/**
 * What `getTaskDetails` found of a task; null when it knows of no request and of nothing that came of one. `response` is an
 * envelope, or its `data`.
 */
export function parseDetails(body: unknown, id: string): { answer: WireAnswer | null } | null {
  for (const each of list.parse(toFields(body).data)) {
    const { taskUUID, request, response } = details.parse(toFields(each));
    const answer = parseAnswer(Array.isArray(response) ? { data: response } : response);
    const isKnown = Array.isArray(request) ? request.length > 0 : (request ?? null) !== null;
    if (taskUUID === id && (isKnown || (answer?.items.length ?? 0) > 0)) return { answer };
  }
  return null;
}

/** Whose end a webhook reports: a flat object, one wrapped in `data`, or `errors` (providers.md §3.4); null for none. */
export function parseCallback(body: unknown): { providerTaskId: string } | null {
  const { data, errors } = toFields(body);
  for (const each of [body, ...list.parse(data), ...list.parse(errors)]) {
    const id = item.parse(toFields(each)).taskUUID;
    if (id !== null) return { providerTaskId: id };
  }
  return null;
}

export function toSaid({ code, message }: WireError): Said {
  return { code, message, hint: message };
}

function isError(each: unknown): boolean {
  return item.parse(toFields(each)).status?.toLowerCase() === 'error';
}

/** Of an item its own `error` says more: an object or a sentence. */
function parseError(each: unknown): WireError {
  const fields = toFields(each);
  const inner = typeof fields.error === 'string' ? { message: fields.error } : toFields(fields.error);
  return fault.parse({ ...fields, ...inner, taskUUID: fields.taskUUID });
}
