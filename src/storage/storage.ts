import type { Readable } from 'node:stream';

/** Where files are kept, by key. A key is a relative path we made, such as `wsp_…/gen_…/ast_….png`. */
export interface Storage {
  /** Begins to take in a file. Every one ends with `keep` or `discard`. */
  receive(): Promise<Incoming>;
  /** The file, or the bytes of it from `start` to `end` (both included); null when there is none. Read or destroy it. */
  open(key: string, range?: ByteRange): Promise<Kept | null>;
  /** How many bytes the file has; null when there is none. */
  sizeOf(key: string): Promise<number | null>;
  /** Removes the file; a file that is not there is fine. */
  remove(key: string): Promise<void>;
  /** Deletes what receivers that died have left; answers how many. Files still being received are safe. */
  sweep(): Promise<number>;
  /** Proves that files can be kept; throws an error whose message says in one clause why not. */
  check(): Promise<void>;
  /** Breaks off what is under way. */
  stop(): Promise<void>;
}

/** A file being received: nobody sees it under a key before `keep` has returned. */
export interface Incoming {
  /** A local file with the bytes written so far, to look at before keeping it. */
  readonly path: string;
  /** Throws when the bytes cannot be written (disk full), after discarding. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes the file durable, whole, under its key, in place of any that was there. Doing it again is fine. It discards
   * the file and throws where that fails: what passes is outlasted for some minutes while `patience` lasts, that is
   * until the signal aborts; without it for half a second.
   */
  keep(key: string, patience?: AbortSignal): Promise<void>;
  /** Forgets the bytes. Does nothing to a file that was kept. */
  discard(): Promise<void>;
}

export interface ByteRange {
  start: number;
  end: number;
}

export interface Kept {
  stream: Readable;
  /** Of the whole file, whatever the range. */
  byteSize: number;
}
