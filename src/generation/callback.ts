import { eq } from 'drizzle-orm';
import { tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { type Entry, recordReports } from './record.ts';
import { toTask } from './rows.ts';
import type { Task, TaskStatus } from './types.ts';

/** What is believed of a callback: which submission it is about, proven by its address, and the provider's id of it. */
export interface Callback {
  submissionId: string;
  /** Null when the body could not be read; of a batch its own id. */
  providerTaskId: string | null;
  /** The id of one task of a batch, by its place. */
  idOf?: (place: number) => string;
}

const ASKED_ABOUT: readonly TaskStatus[] = ['ACCEPTED', 'RUNNING'];

/**
 * A callback is a hint. A task whose submit was not answered learns its id and is asked about from then on, also when it
 * is already over; one that is asked about anyway is asked about now. Any number of copies, at any time, do no more.
 */
export async function hearCallback(domain: Domain, callback: Callback): Promise<void> {
  const { submissionId, providerTaskId, idOf } = callback;
  // What names no batch says nothing of which of its tasks is meant.
  const idFor = ({ place }: Task) => (place === null ? providerTaskId : (idOf?.(place) ?? null));
  const isNamedBy = (task: Task) => {
    const id = idFor(task);
    return id === null || task.providerTaskId === id;
  };
  const found = await listTasksOf(domain, submissionId);
  if (found.length === 0) {
    return domain.log.warn({ submission: submissionId, providerTaskId }, 'a callback for what no task has sent');
  }
  const told = await adopt(domain, found, submissionId, idFor);
  for (const task of told) {
    if (isNamedBy(task)) continue;
    const { id, providerTaskId: known } = task;
    domain.log.warn({ task: id, known, named: idFor(task) }, 'a callback names another task than the answer did');
  }
  const nudged = told.filter((task) => ASKED_ABOUT.includes(task.status) && isNamedBy(task));
  if (nudged.length === 0) return;
  domain.hints.give({ generationIds: [], work: [], feeds: [], nudged: nudged.map(({ id }) => id) });
}

/** Gives the id to the tasks that have none, fenced by the submission; answers all of them as they then stand. */
async function adopt(
  domain: Domain,
  found: Task[],
  submissionId: string,
  idFor: (task: Task) => string | null,
): Promise<Task[]> {
  const nameless = found.flatMap((task) => {
    const providerTaskId = task.providerTaskId === null ? idFor(task) : null;
    return providerTaskId === null ? [] : [{ task, providerTaskId }];
  });
  if (nameless.length === 0) return found;
  const generations = await recordReports(
    domain,
    nameless.map(({ task, providerTaskId }): Entry => {
      const report = { kind: 'ACCEPTED', providerTaskId, credits: null, etaSeconds: null } as const;
      return { generationId: task.generationId, report: { kind: 'SUBMITTED', taskId: task.id, submissionId, report } };
    }),
  );
  const after = new Map(generations.flatMap((generation) => generation.tasks.map((task) => [task.id, task])));
  for (const { task, providerTaskId } of nameless) {
    if (after.get(task.id)?.providerTaskId !== providerTaskId) continue;
    domain.log.info({ task: task.id, was: task.status, providerTaskId }, 'a callback told what became of a submission');
  }
  return found.map((task) => after.get(task.id) ?? task);
}

async function listTasksOf({ db }: Domain, submissionId: string): Promise<Task[]> {
  return (await db.select().from(tasks).where(eq(tasks.submissionId, submissionId))).map(toTask);
}
