import { parseArgs } from 'node:util';
import { type Outcome, runCampaign } from './campaign.ts';
import { findFaults } from './check.ts';
import { type Ground, prepareGround } from './ground.ts';
import { makePlan } from './plan.ts';
import { describeFault, describeProviders, describeStrikes, describeTallies } from './table.ts';
import { tallyOf, tallyProviders } from './tally.ts';

const USAGE = `npm run chaos -- [--seed 1] [--runs 1] [--generations 300] [--kills 40] [--keep]

Runs the service as processes against the sandbox and kills them, their database and their connections, as the seed says;
then compares with the same orders without faults. The same seed is the same plan, not the same timing. --runs takes the
seeds that follow as well, --keep leaves the folder with the logs.
`;
const MOST_FAULTS_SHOWN = 20;

const options = {
  seed: { type: 'string', default: '1' },
  runs: { type: 'string', default: '1' },
  generations: { type: 'string', default: '300' },
  kills: { type: 'string', default: '40' },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const { values } = parseArgs({ options });
let interrupted = false;
if (values.help) say(USAGE);
else process.exitCode = (await run().catch(unlessInterrupted)) ? 0 : 1;

/** Whether every promise was kept. */
async function run(): Promise<boolean> {
  const [first, runs, generations, kills] = [values.seed, values.runs, values.generations, values.kills].map(Number);
  if (![first, runs, generations, kills].every((value) => Number.isInteger(value) && Number(value) > 0)) {
    say(USAGE);
    return false;
  }
  const ground = await prepareGround();
  stopOnSignals(ground);
  const rows = [];
  try {
    for (let seed = Number(first); seed < Number(first) + Number(runs); seed++) {
      rows.push({ seed, ...(await runSeed(ground, seed, Number(generations), Number(kills))) });
    }
  } finally {
    await ground.stop(values.keep);
    if (values.keep) say(`kept: ${ground.folder}`);
  }
  say(describeTallies(rows));
  return rows.every(
    ({ lost, duplicated, differing, otherFaults }) => lost + duplicated + differing + otherFaults === 0,
  );
}

async function runSeed(ground: Ground, seed: number, generations: number, kills: number) {
  say(`seed ${seed}: ${generations} generations, ${kills} kills`);
  const plan = makePlan(seed, generations, kills);
  const runOf = async (name: string) => ({ name, databaseUrl: await ground.database.create(name) });
  const calm = await runCampaign(ground, plan, { ...(await runOf(`calm-${seed}`)), isCalm: true });
  say(`without faults: ${describeEnds(calm)} in ${Math.round(calm.seconds)} s`);
  const outcome = await runCampaign(ground, plan, { ...(await runOf(`storm-${seed}`)), isCalm: false, say });
  say(`${describeStrikes(outcome)}\n${describeProviders(tallyProviders(outcome))}`);
  const faults = findFaults(outcome, calm);
  for (const fault of faults.slice(0, MOST_FAULTS_SHOWN)) say(describeFault(fault, outcome.records));
  return { ...tallyOf(outcome, faults), seconds: outcome.seconds };
}

function describeEnds({ records }: Outcome): string {
  const counts = new Map<string, number>();
  for (const { status } of records.generations) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}

function stopOnSignals(ground: Ground): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true;
      void ground.stop().finally(() => process.exit(1));
    });
  }
}

/** What was taken from under a campaign is no fault that it found. */
function unlessInterrupted(error: unknown): false {
  if (interrupted) return false;
  throw error;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
