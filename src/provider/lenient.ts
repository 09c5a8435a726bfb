import { z } from 'zod';
import { isHttpUrl } from './http-url.ts';

// What no source settles may be missing or of another kind: it then counts as not given.

export const text = z.string().nullable().catch(null);

/** A code of an error: some providers number them. */
export const code = z
  .union([z.string(), z.number().transform(String)])
  .nullable()
  .catch(null);

/** An amount that the provider counts in units of its own. */
export const credits = z
  .union([z.string(), z.number().transform(String)])
  .pipe(z.string().regex(/^\d{1,15}(\.\d{1,15})?$/))
  .nullable()
  .catch(null);

/** A duration of at most a week, rounded up. */
export const seconds = z.number().nonnegative().max(604_800).transform(Math.ceil).nullable().catch(null);

export const list = z.array(z.unknown()).catch([]);

/** 0 to 100. */
export const percent = z
  .number()
  .transform((progress) => Math.min(Math.max(progress, 0), 100))
  .nullable()
  .catch(null);

/** It becomes a part of a path, where `.` and `..` would lead elsewhere. */
export const taskId = z.string().regex(/^(?!\.{1,2}$)[\x21-\x7e]{1,256}$/);

/** An address that can be fetched. */
export const httpUrl = z.string().refine(isHttpUrl).nullable().catch(null);

/** The object that is there, whatever is in it; an empty one for anything else. */
export function toFields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
