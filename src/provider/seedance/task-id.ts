/** The id of one of many orders: of its batch, with its place in it. No id of Seedance itself has this sign. */
const SIGN = '#';

export function idOf(batchId: string, place: number): string {
  return `${batchId}${SIGN}${place}`;
}

/** The batch, and the place in it; null for an order that was sent alone. */
export function parseBatched(id: string): { batchId: string; place: number } | null {
  const at = id.lastIndexOf(SIGN);
  return at < 0 ? null : { batchId: id.slice(0, at), place: Number(id.slice(at + 1)) };
}

/** It becomes a part of a path, where `.` and `..` would lead elsewhere. */
export const PLAIN_ID = /^(?!\.{1,2}$)[\x21\x22\x24-\x7e]{1,256}$/;
