import { z } from 'zod';
import { code, text, toFields } from './lenient.ts';
import { NOTHING_SAID, type Said } from './trouble.ts';

const failure = z.object({ code, message: text });

/** What `error` says, in an HTTP error or a failed task: an object or a sentence. Null where there is neither. */
export function findSaid(body: unknown): Said | null {
  const { error } = toFields(body);
  if (typeof error === 'string') return { ...NOTHING_SAID, message: error };
  const { data } = failure.safeParse(error);
  return data ? { ...NOTHING_SAID, ...data } : null;
}
