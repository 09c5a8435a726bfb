import { z } from 'zod';
import type { Call, Desk } from '../dialect.ts';
import { toDetails, toState } from './answers.ts';
import { infer } from './infer.ts';
import { fail, type Outcome, succeed } from './outcome.ts';

/** Does one task of an array; null when the connection is to be cut. */
export async function perform(task: unknown, call: Call, desk: Desk): Promise<Outcome | null> {
  const { success, data: named } = Named.safeParse(task);
  if (!success) return fail({ taskType: 'unknown' }, 'missingTaskType', 'taskType is required.', 'taskType');
  switch (named.taskType) {
    case 'imageInference':
      return infer(task, call, desk);
    case 'getResponse':
      return look(named, desk, (found) => toState(found, call, desk));
    case 'getTaskDetails':
      return look(named, desk, (found) => toDetails(found, call, desk));
    case 'ping':
      return succeed([{ taskType: 'ping', pong: true }]);
    default:
      return fail({ taskType: named.taskType }, 'unsupportedTaskType', 'This taskType is not supported.', 'taskType');
  }
}

const Named = z.object({ taskType: z.string(), taskUUID: z.unknown().optional() });

/** An id nobody submitted says nothing, as one that is queued. SIM: in the archive too. */
async function look(
  { taskType, taskUUID }: z.infer<typeof Named>,
  desk: Desk,
  answer: (task: NonNullable<ReturnType<Desk['find']>>) => Promise<Outcome>,
): Promise<Outcome> {
  if (typeof taskUUID !== 'string') return fail({ taskType }, 'missingTaskUUID', 'taskUUID is required.', 'taskUUID');
  const task = desk.find(taskUUID);
  return task ? answer(task) : succeed([]);
}
