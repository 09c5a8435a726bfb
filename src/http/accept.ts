/** What an answer may look like on the wire. */
export type Format = 'application/json' | 'application/graphql-response+json' | 'text/event-stream' | 'multipart/mixed';

/** One answer is given as JSON where that is welcome. `*` stands for the first. */
const ONE_ANSWER: readonly Format[] = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
];
const STREAMS: readonly Format[] = ['text/event-stream', 'multipart/mixed'];

/** What an Accept header likes best of what its operation can be answered with; null: nothing. */
export function chooseFormat(accept: string | null, isSubscription: boolean): Format | null {
  const wishes = parseAccept(accept || '*/*');
  if (isSubscription) return first(wishes, STREAMS);
  return first(wishes, ONE_ANSWER.slice(0, 2)) ?? first(wishes, ONE_ANSWER.slice(2));
}

interface Wish {
  type: string;
  parameters: string[];
  weight: number;
}

function parseAccept(accept: string): Wish[] {
  const wishes = accept.split(',').map((wish) => {
    const [type = '', ...parameters] = wish.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { type, parameters, weight: weight === undefined ? 1 : Number(weight) };
  });
  return wishes.filter(({ weight }) => weight > 0).toSorted((a, b) => b.weight - a.weight);
}

function first(wishes: readonly Wish[], formats: readonly Format[]): Format | null {
  for (const wish of wishes) {
    const format = formats.find((each) => isWelcome(each, wish));
    if (format) return format;
  }
  return null;
}

/** There are other streams of parts; only Apollo's is known here, and only by its parameter. */
function isWelcome(format: Format, { type, parameters }: Wish): boolean {
  if (format === 'multipart/mixed') return type === format && parameters.includes('subscriptionspec=1.0');
  return type === '*/*' || type === format || (type.endsWith('/*') && format.startsWith(type.slice(0, -1)));
}
