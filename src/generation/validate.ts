import type { CreateInput } from './input.ts';
import type { Routing } from './types.ts';

/** One thing that is wrong with an input, whichever provider it goes to. */
export interface Invalid {
  path: string[];
  message: string;
  allowed: string[];
}

const LONGEST_REUSE_SECONDS = 30 * 24 * 3600;
/** Runware keeps nothing for a shorter time. */
const LEAST_TTL_SECONDS = 60;
const METADATA_BYTES = 16 * 1024;
const METADATA_DEPTH = 64;

/** Everything that no provider could accept; empty when the input is sound. Paths start below the input. */
export function validateInput(input: CreateInput): Invalid[] {
  return [
    ...text(['prompt'], input.prompt, Number.POSITIVE_INFINITY),
    ...keyFaults(input.idempotencyKey),
    ...optionalText(['style'], input.style, 200),
    ...range(['images'], input.images, 1, 20),
    ...sizeFaults(input.size),
    ...input.references.flatMap(({ uri }, i) => uriFaults(['references', String(i), 'uri'], uri)),
    ...range(['seed'], input.seed, 0, 2_147_483_647),
    ...(input.colors ?? []).flatMap((color, i) => colorFaults(['colors', String(i)], color)),
    ...range(['output', 'quality'], input.output.quality, 1, 100),
    ...routingFaults(input.routing),
    ...ttlFaults(input.options?.runware?.ttlSeconds ?? null),
    ...range(['deadlineSeconds'], input.deadlineSeconds, 30, 3600),
    ...range(['reuseWithinSeconds'], input.reuseWithinSeconds, 1, LONGEST_REUSE_SECONDS),
    ...metadataFaults(input.metadata),
  ];
}

/** What is wrong with an idempotency key, whatever it is for. */
export function keyFaults(key: string | null): Invalid[] {
  return optionalText(['idempotencyKey'], key, 255);
}

function text(path: string[], value: string, most: number): Invalid[] {
  const allowed = [most === Number.POSITIVE_INFINITY ? 'at least 1 character' : `1 to ${most} characters`];
  if (value.trim() === '') return [{ path, message: `${name(path)} must not be empty.`, allowed }];
  if ([...value].length > most) return [{ path, message: `${name(path)} is longer than ${most} characters.`, allowed }];
  return unstorable(path, value);
}

function optionalText(path: string[], value: string | null, most: number): Invalid[] {
  return value === null ? [] : text(path, value, most);
}

function unstorable(path: string[], value: string): Invalid[] {
  return value.includes('\0') || !value.isWellFormed() ? [notStorable(path)] : [];
}

/** PostgreSQL stores no NUL, and JSON no half of a surrogate pair: better refused than changed. */
function notStorable(path: string[]): Invalid {
  const message = `${name(path)} contains a NUL character or an unpaired surrogate; remove it.`;
  return { path, message, allowed: ['well-formed Unicode text without U+0000'] };
}

function range(path: string[], value: number | null, least: number, most: number): Invalid[] {
  if (value === null || (Number.isInteger(value) && value >= least && value <= most)) return [];
  const allowed = [`${least} to ${most}`];
  return [{ path, message: `${name(path)} is ${value}; it must be from ${least} to ${most}.`, allowed }];
}

function sizeFaults(size: CreateInput['size']): Invalid[] {
  if (size === null) return [];
  if ('width' in size) {
    return [
      ...range(['size', 'pixels', 'width'], size.width, 1, 16_384),
      ...range(['size', 'pixels', 'height'], size.height, 1, 16_384),
    ];
  }
  const path = ['size', 'ratio', 'aspectRatio'];
  if (size.aspectRatio === 'auto' || /^[1-9]\d{0,3}:[1-9]\d{0,3}$/.test(size.aspectRatio)) return [];
  const message = `${name(path)} must be two whole numbers like 16:9, or auto.`;
  return [{ path, message, allowed: ['WIDTH:HEIGHT in whole numbers', 'auto'] }];
}

function uriFaults(path: string[], uri: string): Invalid[] {
  const allowed = ['an http or https URI of at most 2048 characters, without user name or password'];
  const fault = (why: string) => [{ path, message: `${name(path)} ${why}.`, allowed }];
  if (uri.length > 2048) return fault('is longer than 2048 characters');
  const url = unstorable(path, uri).length > 0 || /\s/.test(uri) ? null : parseUrl(uri);
  if (url === null) return fault('is not a valid URI');
  const { protocol, username, password } = url;
  if (protocol !== 'http:' && protocol !== 'https:') return fault('must be http or https');
  // A URL parser mends what providers, which see the text, may refuse.
  if (!/^https?:\/\//i.test(uri)) return fault('must begin with http:// or https://');
  return username || password ? fault('must not hold a user name or password') : [];
}

/** `URL.canParse` of Node 20, once compiled after some thousand calls, finds no URL in one whose host is not ASCII. */
function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function colorFaults(path: string[], color: string): Invalid[] {
  if (/^#[0-9a-f]{6}$/i.test(color)) return [];
  return [{ path, message: `${name(path)} is not a colour like #1e90ff.`, allowed: ['#RRGGBB'] }];
}

/** Which slugs there are is known where the providers are. */
function routingFaults({ providers, maxCost }: Routing): Invalid[] {
  const path = ['routing', 'providers'];
  const message = 'routing.providers must not be empty; leave it out to allow every provider.';
  const none = providers?.length === 0 ? [{ path, message, allowed: ['at least 1 provider'] }] : [];
  return maxCost ? [...none, ...currencyFaults(maxCost.currency)] : none;
}

function currencyFaults(currency: string): Invalid[] {
  if (/^[A-Z]{3}$/.test(currency)) return [];
  const message = 'maxCost.currency must be three capital letters, as in ISO 4217.';
  return [{ path: ['maxCost', 'currency'], message, allowed: ['a code like USD'] }];
}

function ttlFaults(seconds: number | null): Invalid[] {
  if (seconds === null || seconds >= LEAST_TTL_SECONDS) return [];
  const path = ['providerOptions', 'runware', 'ttlSeconds'];
  const message = `${name(path)} is ${seconds}; it must be at least ${LEAST_TTL_SECONDS}.`;
  return [{ path, message, allowed: [`at least ${LEAST_TTL_SECONDS}`] }];
}

function metadataFaults(metadata: unknown): Invalid[] {
  if (metadata === null || metadata === undefined) return [];
  const path = ['metadata'];
  const allowed = [`JSON of at most 16 KiB, nested at most ${METADATA_DEPTH} deep`];
  if (isDeeperThan(METADATA_DEPTH, metadata)) {
    return [{ path, message: `metadata is nested more than ${METADATA_DEPTH} deep.`, allowed }];
  }
  const json = JSON.stringify(metadata);
  if (Buffer.byteLength(json) > METADATA_BYTES) {
    return [{ path, message: 'metadata is larger than 16 KiB as JSON.', allowed }];
  }
  // JSON.stringify writes a NUL and a lone surrogate as escapes, and nothing else as these.
  return /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/.test(json) ? [notStorable(path)] : [];
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  return levels === 0 || Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}

function name(path: string[]): string {
  return path.join('.');
}
