import type { Desk } from '../dialect.ts';
import { getNow, lookAt, type Task } from '../task.ts';

/** What an account may do at one time; null: whatever it likes. */
interface Tier {
  tier: string;
  mostItems: number;
  mostRunning: number | null;
}

const MOST_BATCHES = 5;
const CREDITS = 10_000_000;

/** SIM: a key named after a tier, `sandbox-free` say, has its limits; any other is the highest without them. */
export function tierOf(key: string): Tier {
  const name = /^sandbox-([a-z]+)/.exec(key)?.[1] ?? '';
  return TIERS.find(({ tier }) => tier === name) ?? { tier: 'enterprise', mostItems: 50, mostRunning: null };
}

/** Whether one more image would be more than the tier has at one time. SIM: those of batches have their own limit. */
export function isBusy({ tier, mostRunning }: Tier, desk: Desk): boolean {
  return mostRunning !== null && listRunning(tier, desk).filter(({ group }) => !group).length >= mostRunning;
}

/** Whether one more batch would be. */
export function isBusyWithBatches({ tier, mostRunning }: Tier, desk: Desk): boolean {
  if (mostRunning === null) return false;
  const batches = new Set(listRunning(tier, desk).flatMap(({ group }) => group ?? []));
  return batches.size >= MOST_BATCHES;
}

/** SIM: every key spends from one account, which nobody can empty. */
export function creditsRemaining(desk: Desk): number {
  return CREDITS - desk.spent();
}

const TIERS: readonly Tier[] = [
  { tier: 'free', mostItems: 5, mostRunning: 2 },
  { tier: 'starter', mostItems: 20, mostRunning: 5 },
  { tier: 'popular', mostItems: 30, mostRunning: 10 },
  { tier: 'pro', mostItems: 50, mostRunning: 20 },
  { tier: 'enterprise', mostItems: 50, mostRunning: 50 },
];

function listRunning(tier: string, desk: Desk): Task[] {
  const now = getNow();
  return desk
    .list()
    .filter((task) => task.facts?.tier === tier && !['succeeded', 'failed'].includes(lookAt(task, now).phase));
}
