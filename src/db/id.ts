import { typeidUnboxed } from 'typeid-js';

/** What each prefix of an id names. */
export type IdPrefix = 'wsp' | 'key' | 'gen' | 'tsk' | 'sub' | 'ast' | 'evt' | 'xch' | 'wrk' | 'bat';

/** A new id: the prefix and a UUIDv7 in base32 (the TypeID format), so ids sort by the time they were made. */
export function newId(prefix: IdPrefix): string {
  return typeidUnboxed(prefix);
}

/** Whether `value` has the form of an id with this prefix; says nothing of whether it exists. */
export function isId(prefix: IdPrefix, value: string): boolean {
  return value.startsWith(`${prefix}_`) && /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(value.slice(prefix.length + 1));
}
