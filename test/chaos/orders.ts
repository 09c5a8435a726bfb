import type { Random } from './random.ts';

/** What the sandbox is told to do with an order, beside the time it takes. */
const SCRIPTS = {
  plain: '',
  fail: '[[fail]]',
  moderated: '[[moderated]]',
  partial: '[[partial=1]]',
  'rate-limited': '[[rate-limited]]',
  'lost-answer': '[[lost-answer]]',
  'submit-500': '[[submit-500]]',
  'late-asset': '[[late-asset]]',
  'odd-status': '[[odd-status]]',
  'double-callback': '[[double-callback]]',
  'no-callback': '[[no-callback]]',
};

type Script = keyof typeof SCRIPTS;

/** What happens on the wire to the first submit of an order. */
export type WireFault = 'cut before it was taken' | 'answer dropped' | 'answer late';

/** One purchase by one client. */
export interface Order {
  idempotencyKey: string;
  /** No other order has it: it is how its jobs are found at the provider. */
  prompt: string;
  images: number;
  script: Script;
  wireFault: WireFault | null;
  /** The client hangs up before the first answer, and asks again with the same key. */
  hangsUp: boolean;
  /** Milliseconds after it was acknowledged; null: never. */
  cancelAfterMs: number | null;
}

/** Half of them meet no fault of the provider's. */
const MIX: Script[] = [...Array<Script>(9).fill('plain'), ...(Object.keys(SCRIPTS) as Script[])];
const WIRE_FAULTS: WireFault[] = ['cut before it was taken', 'answer dropped', 'answer late'];

export function makeOrders(random: Random, count: number): Order[] {
  return Array.from({ length: count }, (_, number) => makeOrder(random, number));
}

function makeOrder(random: Random, number: number): Order {
  const script = random.pick(MIX);
  const images = script === 'partial' ? random.whole(2, 3) : random.pick([1, 1, 1, 1, 2, 3]);
  // What a picture shows is outside of the brackets: one is drawn for all. The decimals make the prompt unique.
  const seconds = (random.whole(2, 15) / 10 + number / 100_000).toFixed(5);
  return {
    idempotencyKey: `order ${number}`,
    prompt: `Boat ${SCRIPTS[script]} [[slow=${seconds}]]`,
    images,
    script,
    wireFault: script === 'plain' && random.happens(0.2) ? random.pick(WIRE_FAULTS) : null,
    hangsUp: random.happens(0.1),
    cancelAfterMs: random.happens(0.08) ? random.whole(0, 1_500) : null,
  };
}

/** Whether the provider's answer to its submit is lost, faults of the service or not. */
export function losesItsAnswer({ script }: Order): boolean {
  return script === 'lost-answer' || script === 'submit-500';
}
