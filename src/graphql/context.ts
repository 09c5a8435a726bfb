import type { Links } from '../asset/link.ts';
import type { Domain } from '../generation/domain.ts';
import type { Feed } from '../generation/feed.ts';
import type { Watcher } from '../generation/watch.ts';
import type { Caller } from '../workspace/caller.ts';
import type { Loaders } from './loaders.ts';

/** What a resolver may use. It lives as long as the operation, a subscription's for hours: nothing in it remembers. */
export interface Context {
  caller: Caller;
  domain: Domain;
  links: Links;
  watcher: Watcher;
  feed: Feed;
  loaders: Loaders;
  /** The cursor of the last message that an EventSource received before it came back; it wins over `after`. */
  lastEventId: string | null;
}
