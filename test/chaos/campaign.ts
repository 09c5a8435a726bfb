import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../service/until.ts';
import { createClient, type Placed } from './client.ts';
import type { Ground } from './ground.ts';
import { findBadPictures } from './pictures.ts';
import { isTrap, ordersOf, type Plan } from './plan.ts';
import { countUnfinished, type Records, readRecords } from './records.ts';
import type { SentPrompt } from './sent.ts';
import { type StageOptions, setStage } from './stage.ts';
import { createStrikes } from './strikes.ts';

/** What a campaign leaves behind, read when all is quiet. */
export interface Outcome {
  placed: Placed[];
  records: Records;
  /** Which stored pictures could not be had as they were stored, and why. */
  badPictures: string[];
  /** What clients were told that they should not have been. */
  complaints: string[];
  /** Ends of processes that nobody had asked for. */
  accidents: string[];
  /** What left for the providers and may have been taken. */
  sent: SentPrompt[];
  /** What was done, by kind. */
  counts: Map<string, number>;
  /** The traps that nobody has stepped into. */
  missed: string[];
  seconds: number;
}

interface Run extends Omit<StageOptions, 'faultOf'> {
  /** Told how it goes. */
  say?: (line: string) => void;
}

/** A provider that lost too many answers is left alone for half a minute, and for another if its trial is lost. */
const STUCK_AFTER_MS = 150_000;

/** Carries out the plan, waits until all is quiet, and reads what is there. Calm: the same orders and not one fault. */
export async function runCampaign(ground: Ground, plan: Plan, { say = () => {}, ...run }: Run): Promise<Outcome> {
  const began = performance.now();
  const getSeconds = () => (performance.now() - began) / 1000;
  const sayWhen = (what: string) => say(`${getSeconds().toFixed(1).padStart(8)} s  ${what}`);
  const faults = new Map(ordersOf(plan).map(({ prompt, wireFault }) => [prompt, wireFault]));
  const stage = await setStage(ground, { ...run, faultOf: (prompt) => faults.get(prompt) ?? null });
  sayWhen('all processes are up');

  const client = createClient(stage.front.url, stage.references);
  const strikes = createStrikes({ ...stage, database: ground.database, onStrike: sayWhen });
  const placing: Promise<Placed[]>[] = [];
  for (const { calls, waitMs, strike } of plan.rounds) {
    // A trap is set before anybody comes. Else this is no wait for something: the moment itself is what is random.
    const strikeNow = () => strikes.strike(strike);
    const fallen = run.isCalm ? null : isTrap(strike) ? strikeNow() : sleep(waitMs).then(strikeNow);
    placing.push(...calls.map((orders) => client.place(orders)));
    await fallen;
  }
  const placed = (await Promise.all(placing)).flat();
  strikes.end();
  sayWhen('all orders are acknowledged; no more faults');

  await becomeQuiet(run.databaseUrl);
  await until(stage.fleet.isReady, Boolean, STUCK_AFTER_MS);
  sayWhen('all is quiet');
  const records = await readRecords(run.databaseUrl, stage.provider);
  const badPictures = await findBadPictures(stage.front.url, records.assets);
  await stage.stop();
  return {
    placed,
    records,
    badPictures,
    complaints: client.complaints,
    accidents: stage.accidents,
    sent: stage.door.sent.list(),
    counts: strikes.counts,
    missed: strikes.missed,
    seconds: getSeconds(),
  };
}

/** Resolves when all is done, or when nothing more happens: what is not finished then is what the checks will find. */
async function becomeQuiet(databaseUrl: string): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let since = performance.now(); least > 0 && performance.now() - since < STUCK_AFTER_MS; await sleep(250)) {
    const count = await countUnfinished(databaseUrl);
    if (count < least) since = performance.now();
    least = Math.min(least, count);
  }
}
