import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

const KEY = 'KEY-OF-THIS-VISIT';

const CREATE = `# 1. Run this: it orders one picture.
#    The key makes it one purchase, however often you run it.
mutation Create {
  createGeneration(
    input: {
      prompt: "A lighthouse at dusk, long exposure, calm sea"
      size: { ratio: { aspectRatio: "16:9", resolution: R2K } }
      idempotencyKey: "${KEY}"
    }
  ) {
    generation { id status }
    replayed
    cursor
    errors { code message path }
  }
}
`;

const WATCH = `# 2. Then run this: the same generation,
#    live until it is finished.
subscription Watch {
  generationUpdated(idempotencyKey: "${KEY}") {
    kind
    final
    generation {
      version
      status
      progress { percent basis }
      assets { state width height url { uri expiresAt } }
      failure { code message billed }
    }
  }
}
`;

const LOOK = `# 3. And look at it, now or later:
#    open the uri in a new browser tab.
query Look {
  generation(idempotencyKey: "${KEY}") {
    id
    status
    prompt
    slots { index asset { url { uri } thumbhash width height mimeType byteSize } failure { code message } }
    tasks { provider { name } status providerTaskId pollCount }
    cost { basis providerCredits }
  }
}
`;

const OPTIONS = {
  title: 'Darkroom',
  // Over WebSocket, GraphiQL has no Headers panel, and with it no way to send a key.
  subscriptionsProtocol: 'SSE' as const,
  defaultTabs: [{ query: CREATE }, { query: WATCH }, { query: LOOK }],
};

export interface Page {
  serve(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

/** GraphiQL as one page that loads nothing from elsewhere: 9 MB, compressed once, cached by its ETag. */
export function createGraphiqlPage(): Page {
  const body = withFreshKey(renderGraphiQL(OPTIONS));
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  let compressed: Promise<Buffer> | undefined;

  return {
    async serve(req, res) {
      const headers = { etag, 'cache-control': 'no-cache', vary: 'accept, accept-encoding' };
      if (req.headers['if-none-match'] === etag) return void res.writeHead(304, headers).end();
      const zip = /\bgzip\b/.test(req.headers['accept-encoding'] ?? '');
      compressed ??= promisify(gzip)(body);
      res.writeHead(200, {
        ...headers,
        'content-type': 'text/html; charset=utf-8',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        ...(zip && { 'content-encoding': 'gzip' }),
      });
      res.end(zip ? await compressed : body);
    },
  };
}

/** The page is the same for everyone, so the browser makes the key: one for each visit that finds no tabs kept. */
function withFreshKey(html: string): string {
  const options = JSON.stringify(OPTIONS);
  if (!html.includes(options)) throw new Error('GraphiQL no longer embeds its options as JSON.');
  const random = `Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(16).padStart(2, '0')).join('')`;
  const fresh = `JSON.parse(${JSON.stringify(options)}.replaceAll(${JSON.stringify(KEY)}, 'visit-' + ${random}))`;
  return html.replace(options, () => fresh).replace('</head>', () => `${STEADY_TABS}</head>`);
}

/**
 * Two faults of GraphiQL itself: a tab jumps away from the pointer that presses it, so that the click misses; and a
 * reload, which compares the kept tabs with a kept query that is not there, adds an empty tab in front of them.
 */
const STEADY_TABS = `<style>.graphiql-tab { transform: none !important; }</style>
<script>
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
    for (const name of ['query', 'variables']) {
      const value = tabs[activeTabIndex][name];
      if (value) localStorage.setItem('graphiql:' + name, value);
      else localStorage.removeItem('graphiql:' + name);
    }
  } catch {}
</script>`;
