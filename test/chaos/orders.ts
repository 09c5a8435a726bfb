import { type ChaosOffer, OFFERS, SQUARE } from './offers.ts';
import type { Random } from './random.ts';

/** What the sandbox is told to do with an order, beside the time it takes. */
const SCRIPTS = {
  plain: '',
  fail: '[[fail]]',
  moderated: '[[moderated]]',
  partial: '[[partial=1]]',
  'rate-limited': '[[rate-limited]]',
  'turned away': '[[rate-limited=2]]',
  'lost-answer': '[[lost-answer]]',
  'submit-500': '[[submit-500]]',
  'late-asset': '[[late-asset]]',
  'odd-status': '[[odd-status]]',
  'double-callback': '[[double-callback]]',
  'no-callback': '[[no-callback]]',
};

type Script = keyof typeof SCRIPTS;

/** What happens on the wire to the first submit of an order. */
export type WireFault = 'cut before it was taken' | 'answer dropped' | 'answer late' | 'cut within its answer';

/** One purchase by one client. */
export interface Order {
  idempotencyKey: string;
  /** No other order has it: it is how its jobs are found at the providers. */
  prompt: string;
  /** What is asked for beside these; its references are where the campaign has them. */
  input: { images: number; series: boolean; size: object | null; routing: Routing };
  reference: 'http' | 'https' | null;
  script: Script;
  wireFault: WireFault | null;
  /** Those with the same one are bought by one call. */
  call: string;
  /** The client hangs up before the first answer, and asks again with the same key. */
  hangsUp: boolean;
  /** Milliseconds after it was acknowledged; null: never. */
  cancelAfterMs: number | null;
}

interface Routing {
  /** Null: any of the six. */
  providers: string[] | null;
  onFailure: 'FAIL' | 'FALLBACK';
}

/** Half of them meet no fault of the provider's. */
const MIX: Script[] = [...Array<Script>(10).fill('plain'), ...(Object.keys(SCRIPTS) as Script[])];
/** What is turned away twice goes elsewhere, if it may. */
const ROUTED_MIX: Script[] = [...MIX, ...Array<Script>(4).fill('turned away')];
const WIRE_FAULTS: WireFault[] = ['cut before it was taken', 'answer dropped', 'answer late', 'cut within its answer'];
/** How each of them ends is up to the provider: they stay with one, so that two runs can be compared. */
const OF_ONE_PROVIDER: Script[] = ['fail', 'moderated', 'partial'];

export function makeOrders(random: Random, count: number): Order[] {
  const orders: Order[] = [];
  // In turn, so that a short campaign has all of them; the last turn is the router's choice.
  for (let turn = random.whole(0, OFFERS.length); orders.length < count; turn++) {
    const offer = OFFERS[turn % (OFFERS.length + 1)] ?? null;
    const together = offer?.provider === 'seedance' ? Math.min(random.whole(1, 4), count - orders.length) : 1;
    const call = `call ${orders.length}`;
    for (let i = 0; i < together; i++) orders.push({ ...makeOrder(random, orders.length, offer), call });
  }
  return orders;
}

function makeOrder(random: Random, number: number, turn: ChaosOffer | null): Omit<Order, 'call'> {
  const drawn = random.pick(turn ? MIX : ROUTED_MIX);
  const offer = turn ?? (OF_ONE_PROVIDER.includes(drawn) ? random.pick(OFFERS) : null);
  const script = drawn === 'partial' && !mayBePartial(offer) ? 'plain' : drawn;
  const images = script === 'partial' ? random.whole(2, 3) : random.pick([1, 1, 1, 1, 2, 3]);
  const isOneByOne = script === 'partial' && offer?.imagesOfACall === 1;
  const series = offer?.hasSeries === true && images > 1 && (isOneByOne || random.happens(0.5));
  // What a picture shows is outside of the brackets: one is drawn for all. The decimals make the prompt unique.
  const seconds = (random.whole(2, 15) / 10 + number / 100_000).toFixed(5);
  const routing = offer ? ofOne(random, offer, script) : ofMany(random, script);
  return {
    idempotencyKey: `order ${number}`,
    prompt: `Boat ${SCRIPTS[script]} [[slow=${seconds}]]`,
    input: { images, series, size: drawSize(random, offer), routing },
    reference: random.happens(0.15) ? drawReference(offer, routing) : null,
    script,
    wireFault: script === 'plain' && random.happens(0.25) ? random.pick(WIRE_FAULTS) : null,
    hangsUp: random.happens(0.1),
    cancelAfterMs: random.happens(0.08) ? random.whole(0, 1_500) : null,
  };
}

function mayBePartial(offer: ChaosOffer | null): boolean {
  return offer !== null && (offer.imagesOfACall > 1 || offer.hasSeries);
}

/** The default of one depends on the prompt: each of its shapes would have to be drawn. */
function drawSize(random: Random, offer: ChaosOffer | null): object | null {
  if (offer === null) return SQUARE;
  return offer.provider === 'threedaistudio' || random.happens(0.15) ? random.pick(offer.sizes) : null;
}

function ofOne(random: Random, { provider }: ChaosOffer, script: Script): Routing {
  const stays = OF_ONE_PROVIDER.includes(script) || random.happens(0.5);
  return { providers: [provider], onFailure: stays ? 'FAIL' : 'FALLBACK' };
}

/** Whoever turns it away twice passes it on: among two, or it would go round all of them. */
function ofMany(random: Random, script: Script): Routing {
  const two = random.shuffle(OFFERS).slice(0, 2);
  return { providers: script === 'turned away' ? two.map(({ provider }) => provider) : null, onFailure: 'FALLBACK' };
}

function drawReference(offer: ChaosOffer | null, { providers }: Routing): Order['reference'] {
  if (offer) return offer.reference;
  // One of the two may take none; of all of them five take this.
  return providers ? null : 'https';
}

/** The orders whose answers the provider loses, faults of the service or not: with one of a call all may go. */
export function listLosingTheirAnswers(orders: readonly Order[]): Set<Order> {
  const calls = new Set(orders.filter(({ script }) => LOSING.includes(script)).map(({ call }) => call));
  return new Set(orders.filter(({ call }) => calls.has(call)));
}

const LOSING: Script[] = ['lost-answer', 'submit-500'];
