import { setMaxListeners } from 'node:events';
import { Agent } from 'undici';
import { createGuardedConnector } from './connect.ts';
import { type DownloadOptions, type DownloadResult, download, type Sink } from './download.ts';

/** The one way to fetch a URL that came from outside. */
export interface GuardedFetch {
  /** Never throws for what the far side does; throws what `signal` was aborted with, and what the sink throws. */
  download(url: string, options: DownloadOptions, sink: Sink): Promise<DownloadResult>;
  /** Aborts what is under way, waits for it, and closes every socket. */
  stop(): Promise<void>;
}

// No timeouts here: they would count per chunk, and every download has one total deadline.
const LIMITS = { headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: 16_384 };

/** `allowedHosts` are the `host:port` pairs of this installation that may be private addresses. */
export function createGuardedFetch({ allowedHosts }: { allowedHosts: readonly string[] }): GuardedFetch {
  const dispatchers = { guarded: new Agent({ ...LIMITS, connect: createGuardedConnector() }), open: new Agent(LIMITS) };
  const stopping = new AbortController();
  // One for each download under way.
  setMaxListeners(0, stopping.signal);
  const running = new Set<Promise<DownloadResult>>();

  return {
    async download(url, options, sink) {
      const exempt = [...allowedHosts, ...(options.allowedHosts ?? [])];
      const run = download(url, { ...options, allowedHosts: exempt }, sink, dispatchers, stopping.signal);
      running.add(run);
      return await run.finally(() => running.delete(run));
    },

    async stop() {
      stopping.abort(new Error('The service is stopping.'));
      await Promise.allSettled(running);
      await Promise.all([dispatchers.guarded.destroy(), dispatchers.open.destroy()]);
    },
  };
}
