import type { Caller } from '../workspace/caller.ts';
import type { Domain } from './domain.ts';
import { listTasksByIds } from './find.ts';
import { isFinal } from './moves.ts';
import { recordReports } from './record.ts';
import type { Task } from './types.ts';
import type { UserError } from './user-error.ts';

/** By an operator: whether a task was billed that no program could find out about. The same answer twice is no error. */
export async function resolveTask(
  domain: Domain,
  caller: Caller,
  id: string,
  billed: boolean,
): Promise<{ ok: true; task: Task } | { ok: false; task: Task | null; errors: UserError[] }> {
  const [found] = await listTasksByIds(domain, caller, [id]);
  if (!found) {
    const message = 'There is no task with this id.';
    return { ok: false, task: null, errors: [{ kind: 'NOT_FOUND', path: ['id'], message }] };
  }
  const report = { kind: 'RESOLVED' as const, taskId: id, billed };
  const [generation] = await recordReports(domain, [{ generationId: found.generationId, report }]);
  const task = generation?.tasks.find((each) => each.id === id) ?? found;
  const said = isFinal(task.status) ? task.failure?.billed : null;
  if (said === (billed ? 'YES' : 'NO')) return { ok: true, task };
  const known = said ? `, billed ${said}` : '';
  const message = `There is nothing to settle: it is ${task.status}${known}.`;
  const allowed = ['a task that is UNCERTAIN', 'a task that is over, whose failure says billed UNKNOWN'];
  return { ok: false, task, errors: [{ kind: 'INVALID_INPUT', path: ['id'], message, allowed }] };
}
