import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { connect } from '../../src/db/connect.ts';
import { createTestDatabase } from '../database.ts';

test('smoke', async () => {
  const database = await createTestDatabase();
  const c = connect({ url: database.url, directUrl: database.url, log: pino({ level: 'silent' }) });
  await c.ping();
  const heard: string[] = [];
  let ups = 0;
  const l = await c.listen(
    'x',
    (p) => heard.push(p),
    () => ups++,
  );
  await c.notify('x', 'hello');
  await expect.poll(() => heard).toEqual(['hello']);
  expect(await c.db.transaction(async (tx) => [...(await tx.execute(sql`select 1 as one`))])).toEqual([{ one: 1 }]);
  await l.stop();
  await c.stop();
  await database.drop();
});
