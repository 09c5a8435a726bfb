import { type Glance, glanceAt } from '../asset/glance.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { Unfetched } from '../fetch/refusal.ts';
import type { Trouble } from '../generation/failure-code.ts';
import type { ReferenceRules } from '../generation/provider-model.ts';
import type { ProviderRequest } from '../generation/provider-request.ts';
import type { TakeTurn } from '../turns.ts';

/** For all references of a request together. */
const TIMEOUT_MS = 30_000;

interface Options {
  /** `host:port` pairs that may be private addresses: the sandbox's own. */
  allowedHosts: readonly string[];
  signal: AbortSignal;
  timeoutMs?: number;
}

/** What all submissions of this process share. */
export interface Fetching {
  fetch: Pick<GuardedFetch, 'download'>;
  /** For each download. */
  takeTurn: TakeTurn;
}

export type References = { ok: true; request: ProviderRequest } | { ok: false; failure: Trouble };

/**
 * Fetches the references of a request and holds each against what its provider takes, before anything is sent. Answers
 * the request to compose, with data URIs where the provider wants the bytes; or what is wrong with the first that does not
 * do. Throws what `signal` was aborted with. Nothing is written to disk.
 */
export async function fetchReferences(
  { fetch, takeTurn }: Fetching,
  request: ProviderRequest,
  rules: ReferenceRules | null,
  { allowedHosts, signal, timeoutMs = TIMEOUT_MS }: Options,
): Promise<References> {
  const { references } = request;
  if (references.length === 0) return { ok: true, request };
  if (!rules) return { ok: false, failure: unfit('The provider takes no references.') };
  const budget = createBudget(timeoutMs);
  const isTooMuch = createScale(rules.maxTotalBytes);
  const looks = await Promise.all(
    references.map(({ uri }, i) =>
      takeTurn(() =>
        budget.spend((leftMs) => {
          const options = { allowedHosts, signal, timeoutMs: leftMs };
          return look(fetch, { uri, name: nameOf(uri, i) }, { ...rules, isTooMuch }, options);
        }),
      ),
    ),
  );
  const failure = looks.find((each): each is Trouble => typeof each === 'object');
  if (failure) return { ok: false, failure };
  const uris = looks.filter((each) => typeof each === 'string');
  return { ok: true, request: { ...request, references: uris.map((uri) => ({ uri })) } };
}

/** Time that passes only while something is done with it: waiting for the downloads of others costs none. */
function createBudget(ms: number) {
  let until = performance.now() + ms;
  let idleSince = performance.now();
  let running = 0;
  return {
    async spend<T>(work: (leftMs: number) => Promise<T>): Promise<T> {
      if (running === 0) until += performance.now() - idleSince;
      running += 1;
      try {
        return await work(until - performance.now());
      } finally {
        running -= 1;
        idleSince = performance.now();
      }
    },
  };
}

/** Adds up the bytes of all references, and says whether they are more than may go together. */
function createScale(most: number | null) {
  let total = 0;
  return (bytes: number) => {
    total += bytes;
    return most !== null && total > most;
  };
}

/** The URI to send, or why it is none. */
async function look(
  fetch: Pick<GuardedFetch, 'download'>,
  { uri, name }: { uri: string; name: string },
  rules: ReferenceRules & { isTooMuch(bytes: number): boolean },
  options: Required<Options>,
): Promise<string | Trouble> {
  const { form, schemes, maxBytes, maxTotalBytes, isTooMuch } = rules;
  if (!schemes.some((scheme) => uri.toLowerCase().startsWith(`${scheme}:`))) {
    return unfit(`${name} must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}.`);
  }
  const together = `All references together are larger than the ${maxTotalBytes} bytes that the provider takes.`;
  // Then the others need not be fetched.
  if (isTooMuch(0)) return unfit(together);
  if (options.timeoutMs < 1) return notFetched(name, { kind: 'TIMEOUT' }, rules);
  const chunks: Uint8Array[] = [];
  const sink = { write: async (chunk: Uint8Array) => void chunks.push(chunk) };
  const fetched = await fetch.download(uri, { ...options, maxBytes }, sink);
  if (fetched.kind !== 'OK') return notFetched(name, fetched, rules);
  const bytes = Buffer.concat(chunks);
  if (isTooMuch(bytes.length)) return unfit(together);
  const image = await glanceAt(bytes);
  if (typeof image === 'string') return unfit(`${name} is ${image}; the provider takes ${rules.formats.join(', ')}.`);
  const fault = faultOf(image, rules);
  if (fault) {
    const { format, width, height } = image;
    const has = `it is ${format}, ${width}x${height} pixels (${(width / height).toFixed(3)}), ${bytes.length} bytes`;
    return unfit(`${name} does not do for this provider: ${fault}; ${has}.`);
  }
  return form === 'URL' ? uri : `data:image/${image.format};base64,${bytes.toString('base64')}`;
}

/** What is allowed, of the first rule that it breaks. */
function faultOf({ format, width, height }: Glance, { formats, minSide, maxPixels, ratio }: ReferenceRules) {
  if (!formats.includes(format)) return `the format must be ${formats.join(', ')}`;
  if (Math.min(width, height) < minSide) return `no side may be below ${minSide} pixels`;
  if (maxPixels !== null && width * height > maxPixels) return `width times height may be at most ${maxPixels}`;
  if (ratio && (width / height < ratio.min || width / height > ratio.max)) {
    return `width divided by height must be from ${round(ratio.min)} to ${round(ratio.max)}`;
  }
  return null;
}

function notFetched(name: string, result: Unfetched, { maxBytes }: ReferenceRules): Trouble {
  switch (result.kind) {
    case 'TOO_LARGE':
      return unfit(`${name} is larger than the ${maxBytes} bytes that the provider takes.`);
    case 'FORBIDDEN':
      return unfit(`${name} may not be fetched: ${result.reason}.`);
    case 'REFUSED':
      return unreachable(`${name} could not be fetched: its server answered ${result.status}.`);
    case 'TIMEOUT':
      return unreachable(`${name} could not be fetched in time: all together may take ${TIMEOUT_MS / 1000} s.`);
    case 'UNREACHABLE':
      return unreachable(`${name} could not be fetched: ${result.reason}.`);
  }
}

/** By its place and its host; a path or a query may hold a key. */
function nameOf(uri: string, i: number): string {
  return URL.canParse(uri) ? `Reference ${i + 1} (at ${new URL(uri).host})` : `Reference ${i + 1}`;
}

function round(number: number): number {
  return Number(number.toFixed(4));
}

function unfit(message: string): Trouble {
  return { ...unreachable(message), retryable: false };
}

function unreachable(message: string): Trouble {
  return {
    code: 'REFERENCE_UNREACHABLE',
    message,
    billed: 'NO',
    retryable: true,
    providerCode: null,
    providerMessage: null,
  };
}
