import type { FeedPage, LoggedEvent } from './feed-page.ts';

/** Why what comes next is not known: retention deleted it, or the database came back without what it had sent. */
export type Gap = 'DELETED' | 'SET_BACK';

export interface FeedStreamOptions<T> {
  /** Everything behind it is sent. */
  position: number;
  matches: (event: LoggedEvent) => boolean;
  /** The page behind a position; null when it could not be read, which is tried again at the next wake. */
  read: (position: number) => Promise<FeedPage | null>;
  /** What is sent of an event; of a gap, once and last. */
  send: (position: number, what: LoggedEvent | Gap) => T;
  onEnd: () => void;
}

/**
 * One subscription to a feed. It holds its position and at most one page, and reads the next when the client has taken
 * that: a slow client costs no memory. By hand, because a generator's `return()` hangs while it waits.
 */
export class FeedStream<T> implements AsyncIterableIterator<T> {
  private position: number;
  private page: LoggedEvent[] = [];
  /** Whether there may be something that was not read yet. */
  private awake = true;
  private ended = false;
  private endNap = () => {};
  private lastTurn: Promise<unknown> = Promise.resolve();
  private readonly options: FeedStreamOptions<T>;

  constructor(options: FeedStreamOptions<T>) {
    this.options = options;
    this.position = options.position;
  }

  /** Something may be new. */
  wake(): void {
    this.awake = true;
    this.endNap();
  }

  /** Nothing more is sent. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.page = [];
    this.options.onEnd();
    this.endNap();
  }

  next(): Promise<IteratorResult<T>> {
    const turn = this.lastTurn.then(() => this.advance());
    this.lastTurn = turn;
    return turn;
  }

  async return(): Promise<IteratorResult<T>> {
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private async advance(): Promise<IteratorResult<T>> {
    while (!this.ended) {
      const event = this.page.shift();
      if (event) return { value: this.options.send(event.position, event), done: false };
      if (!this.awake) await this.nap();
      else {
        const gap = await this.turnPage();
        if (gap) return this.breakOff(gap);
      }
    }
    return { value: undefined, done: true };
  }

  private nap(): Promise<void> {
    return new Promise((resolve) => {
      this.endNap = resolve;
    });
  }

  private async turnPage(): Promise<Gap | null> {
    // Cleared before the read, so that a wake during it counts.
    this.awake = false;
    const page = await this.options.read(this.position);
    if (!page || this.ended) return null;
    // After a failover that lost commits; positions up to here will be given out once more.
    if (page.last < this.position) return 'SET_BACK';
    if (page.floor > this.position) return 'DELETED';
    this.page = page.events.filter(this.options.matches);
    this.position = page.upTo;
    if (page.more) this.awake = true;
    return null;
  }

  private breakOff(gap: Gap): IteratorResult<T> {
    this.end();
    return { value: this.options.send(this.position, gap), done: false };
  }
}
