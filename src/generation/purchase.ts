import type { CreateInput } from './input.ts';
import type { Generation } from './types.ts';
import type { UserError } from './user-error.ts';

/** One generation to buy, as its caller asked for it. */
export interface Purchase {
  input: CreateInput;
  requestHash: string;
  /** From its creation on. */
  deadlineMs: number;
  retryOf: string | null;
  /** Purchases with the same may leave in one submission; absent: only what is of this one. */
  batchKey?: string;
  /** Where the input stands among the caller's arguments, and where the idempotency key does. */
  path: string[];
  keyPath: string[];
}

/** `replayed`: its key had been used for this request before. `reused`: it had been bought for another call. */
export type Created =
  | { ok: true; generation: Generation; replayed: boolean; reused: boolean }
  | { ok: false; errors: UserError[] };
