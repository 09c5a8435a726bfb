import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../database.ts';
import { runCampaign } from './campaign.ts';
import { findFaults } from './check.ts';
import { type Ground, prepareGround } from './ground.ts';
import { makePlan } from './plan.ts';
import { describeFault, describeProviders, describeStrikes, describeTallies } from './table.ts';
import { tallyOf, tallyProviders } from './tally.ts';

const GENERATIONS = 24;
const KILLS = 7;

let ground: Ground;
/** On a server that nobody kills. */
let quiet: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  ground = await prepareGround();
  quiet = await createTestDatabase();
});
afterAll(async () => {
  await ground.stop();
  await quiet.drop();
});

test('struck up to seven times, the service loses none of 24 generations, buys none twice, and ends all as without faults', async () => {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`chaos.test.ts: CHAOS_SEED=${seed}\n`);
  const plan = makePlan(seed, GENERATIONS, KILLS);
  const [calm, outcome] = await Promise.all([
    runCampaign(ground, plan, { name: 'calm', databaseUrl: quiet.url, isCalm: true }),
    runCampaign(ground, plan, { name: 'storm', databaseUrl: await ground.database.create('storm'), isCalm: false }),
  ]);
  const faults = findFaults(outcome, calm);
  const tally = tallyOf(outcome, faults);
  const { seconds } = outcome;
  const tables = [describeProviders(tallyProviders(outcome)), describeTallies([{ seed, ...tally, seconds }])];
  process.stdout.write(`${describeStrikes(outcome)}\n${tables.join('\n')}\n`);
  expect(faults.map((fault) => describeFault(fault, outcome.records))).toEqual([]);
  expect(tally.generations).toBe(GENERATIONS);
  // Nobody may come by a trap; most of the blows fall.
  expect(tally.kills + outcome.missed.length).toBe(KILLS);
  expect(tally.kills).toBeGreaterThan(KILLS / 2);
  expect(tally.delivered).toBeGreaterThan(0);
  expect(tally.billed).toBe(tally.delivered + tally.billedUncertain + tally.billedCanceled + tally.billedFailed);
}, 240_000);
