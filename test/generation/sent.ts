import { randomUUID } from 'node:crypto';
import { claimTasks } from '../../src/generation/claim.ts';
import type { Domain } from '../../src/generation/domain.ts';
import { registerWorker } from '../../src/generation/lease.ts';
import { markSending, newSubmissionId } from '../../src/generation/send.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Stage } from './stage.ts';

export interface Sent {
  generation: Generation;
  taskId: string;
  submissionId: string;
}

/** Makes generations of one task, which is being sent at this moment. */
export function createSender(stage: Stage, domain: Domain): () => Promise<Sent> {
  const worker = registerWorker(domain);
  return async () => {
    const { id } = await stage.create(await stage.newCaller());
    const tasks = await claimTasks(domain, { workerId: await worker, statuses: ['QUEUED'], limit: 100 });
    const task = tasks.find(({ generationId }) => generationId === id);
    if (!task) throw new Error('It was not claimed.');
    const submissionId = newSubmissionId();
    await markSending(domain, [task], { id: submissionId, reference: randomUUID(), body: {} });
    return { generation: await stage.reload(id), taskId: task.id, submissionId };
  };
}
