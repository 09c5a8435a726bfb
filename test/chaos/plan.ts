import { KILL_POINTS, type KillPoint } from '../../src/generation/kill-points.ts';
import { groupBy } from './group.ts';
import { makeOrders, type Order } from './orders.ts';
import { createRandom, type Random } from './random.ts';

/** How many processes of each role there are; `slot` is one of them. */
export const SLOTS = 2;

/** One blow. `slot` counts from 0. */
export type Strike =
  | { kind: 'worker' | 'api'; slot: number }
  /** The first process that reaches the point this many times dies there. */
  | { kind: 'kill point'; point: KillPoint; times: number }
  /** The provider kills all workers when it has a submit: before it takes it, or after that and before it answers. */
  | { kind: 'on receipt' | 'after accept' }
  /** A worker stands still for longer than its lease, and goes on. */
  | { kind: 'frozen'; slot: number; forMs: number }
  | { kind: 'database'; signal: 'SIGQUIT' | 'SIGKILL' };

/** Orders come in, those of one call together, a moment passes, the blow falls. */
interface Round {
  calls: Order[][];
  waitMs: number;
  strike: Strike;
}

export interface Plan {
  seed: number;
  rounds: Round[];
}

const LONGEST_WAIT_MS = 1_200;
const ROUNDS_WITHOUT_TRAPS = 3;

/** The kinds of strikes in the order of their worth: a short campaign has the first ones only. */
const FIRST: Draw[] = [
  at('submit:marked'),
  at('submit:answered'),
  at('submit:stored'),
  () => ({ kind: 'on receipt' }),
  (random) => ({ kind: 'frozen', slot: slot(random), forMs: random.whole(2_000, 3_500) }),
  (random) => ({ kind: 'database', signal: random.pick(['SIGQUIT', 'SIGKILL'] as const) }),
  (random) => ({ kind: 'api', slot: slot(random) }),
  (random) => ({ kind: 'worker', slot: slot(random) }),
  () => ({ kind: 'after accept' }),
];
const OTHER_POINTS = KILL_POINTS.filter((point) => !point.startsWith('submit:'));

/** What happens to whom and when follows from the seed; how far each process has come by then does not. */
export function makePlan(seed: number, generations: number, kills: number): Plan {
  const random = createRandom(seed);
  const draws = [...FIRST, ...OTHER_POINTS.map(at)];
  const strikes = Array.from({ length: kills }, (_, i) => {
    const draw = draws[i] ?? FIRST[(i - draws.length) % FIRST.length];
    return (draw as Draw)(random);
  });
  const calls = [...groupBy(makeOrders(random, generations), ({ call }) => call).values()];
  const rounds = inOrder(random.shuffle(strikes)).map((strike, i) => ({
    calls: calls.slice((i * calls.length) / kills, ((i + 1) * calls.length) / kills),
    waitMs: random.whole(0, LONGEST_WAIT_MS),
    strike,
  }));
  return { seed, rounds };
}

export function ordersOf({ rounds }: Plan): Order[] {
  return rounds.flatMap(({ calls }) => calls.flat());
}

/** Whether it waits for somebody to come by. */
export function isTrap({ kind }: Strike): boolean {
  return kind === 'kill point' || kind === 'on receipt' || kind === 'after accept';
}

type Draw = (random: Random) => Strike;

/** The last ones are no traps: who would step into them? */
function inOrder(strikes: Strike[]): Strike[] {
  const last = strikes.filter((strike) => !isTrap(strike)).slice(0, ROUNDS_WITHOUT_TRAPS);
  return [...strikes.filter((strike) => !last.includes(strike)), ...last];
}

function at(point: KillPoint): Draw {
  return (random) => ({ kind: 'kill point', point, times: random.whole(1, 2) });
}

function slot(random: Random): number {
  return random.whole(0, SLOTS - 1);
}
