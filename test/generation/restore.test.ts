import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimTasks } from '../../src/generation/claim.ts';
import { registerWorker, takeOverFromTheSilent } from '../../src/generation/lease.ts';
import { accept, openStage, type Stage, taskOf } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

test('the statement that docs/operations.md gives for a restored database keeps what was queued from being sent again', async () => {
  const [, statement = ''] = /```sql\n([\s\S]*?)```/.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
  const caller = await stage.newCaller();
  const queued = await stage.create(caller);
  const accepted = await accept(stage, await stage.create(caller));
  await stage.domain.db.execute(sql.raw(statement));
  const workerId = await registerWorker(stage.domain);
  expect(await claimTasks(stage.domain, { workerId, statuses: ['QUEUED'], limit: 10 })).toEqual([]);
  await takeOverFromTheSilent(stage.domain);
  expect(taskOf(await stage.reload(queued.id))).toMatchObject({
    status: 'UNCERTAIN',
    failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' },
  });
  expect(taskOf(await stage.reload(accepted.id)).status).toBe('ACCEPTED');
});
