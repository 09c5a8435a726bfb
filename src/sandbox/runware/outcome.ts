import { z } from 'zod';
import type { Reply } from '../dialect.ts';
import { type TaskError, toError } from './errors.ts';

/** What became of one task of an array. */
export interface Outcome {
  /** Of the whole answer, if no task did better. */
  status: number;
  headers?: Record<string, string>;
  data: object[];
  errors: TaskError[];
}

/** What an outcome says of whose it is. */
export interface Named {
  taskType: string;
  taskUUID?: string;
}

export function succeed(data: object[], errors: TaskError[] = []): Outcome {
  return { status: 200, data, errors };
}

export function fail(task: Named, code: string, message: string, parameter?: string | string[], status = 400): Outcome {
  const more = parameter === undefined ? task : { ...task, parameter };
  return { status, data: [], errors: [toError(code, message, more)] };
}

/** What the frame refuses, for this task of the array alone; null when it wants the connection cut. */
export function failAs(task: Named, reply: Reply): Outcome | null {
  if (reply === 'cut' || 'pieces' in reply) return null;
  const { errors } = Refused.parse(reply.body);
  const { status, headers } = reply;
  return { status, ...(headers && { headers }), data: [], errors: errors.map((error) => ({ ...error, ...task })) };
}

const Refused = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string(), documentation: z.string() })),
});
