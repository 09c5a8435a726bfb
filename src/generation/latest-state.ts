import { versionCursor } from './cursor.ts';
import { isFinished } from './derive.ts';
import type { Generation } from './types.ts';

/** One message of a subscription: the state when it began, or a newer one. */
export class Update {
  readonly kind: 'SNAPSHOT' | 'CHANGE';
  readonly generation: Generation;

  constructor(kind: Update['kind'], generation: Generation) {
    this.kind = kind;
    this.generation = generation;
  }

  /** Whoever has received this message resumes here. */
  get cursor(): string {
    return versionCursor(this.generation);
  }
}

/**
 * One subscription's stream with room for one state: a newer one replaces what was not read yet, and a final one is
 * never replaced. Written by hand because a generator's `return()` hangs while it waits, and a queue overflows.
 */
export class LatestState implements AsyncIterableIterator<Update> {
  private pending: Update | undefined;
  private waiting: ((result: IteratorResult<Update>) => void)[] = [];
  private version: number;
  private nextKind: Update['kind'];
  private ended = false;
  private readonly onEnd: () => void;

  constructor(heldVersion: number, onEnd: () => void) {
    this.version = heldVersion;
    this.nextKind = heldVersion === 0 ? 'SNAPSHOT' : 'CHANGE';
    this.onEnd = onEnd;
  }

  /** Takes a state unless the reader has it already, or something newer. After a final one there is no other. */
  offer(generation: Generation): void {
    if (this.ended) return;
    const final = isFinished(generation.status);
    // A database that lost commits may end below what a client was shown before.
    const news = final ? generation.version !== this.version : generation.version > this.version;
    if (news) this.take(generation);
    if (final) this.end();
  }

  private take(generation: Generation): void {
    this.version = generation.version;
    const update = new Update(this.pending?.kind ?? this.nextKind, generation);
    this.nextKind = 'CHANGE';
    const reader = this.waiting.shift();
    if (reader) reader({ value: update, done: false });
    else this.pending = update;
  }

  /** No more states; one that waits to be read still is. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
    for (const reader of this.waiting.splice(0)) reader({ value: undefined, done: true });
  }

  async next(): Promise<IteratorResult<Update>> {
    const value = this.pending;
    this.pending = undefined;
    if (value) return { value, done: false };
    if (this.ended) return { value: undefined, done: true };
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async return(): Promise<IteratorResult<Update>> {
    this.pending = undefined;
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
