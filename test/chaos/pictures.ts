import { createHash } from 'node:crypto';
import { API_KEY } from './client.ts';
import type { AssetRow } from './records.ts';

const AT_ONCE = 8;
const ASSETS = 'query($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { url { uri } } } }';

/** Fetches every stored picture as a client would; answers what is wrong with those that are not what was stored. */
export async function findBadPictures(url: string, assets: readonly AssetRow[]): Promise<string[]> {
  const stored = assets.filter(({ state }) => state === 'STORED');
  const bad: string[] = [];
  for (let i = 0; i < stored.length; i += AT_ONCE) {
    const some = stored.slice(i, i + AT_ONCE);
    const uris = await getUris(url, some);
    const looks = await Promise.all(some.map(({ sha256 }, at) => look(url, uris[at], sha256)));
    for (const [at, wrong] of looks.entries()) if (wrong) bad.push(`${some[at]?.id}: ${wrong}`);
  }
  return bad;
}

async function getUris(url: string, assets: readonly AssetRow[]): Promise<(string | undefined)[]> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ query: ASSETS, variables: { ids: assets.map(({ id }) => id) } }),
  });
  const { data } = (await response.json()) as { data: { nodes: ({ url: { uri: string } | null } | null)[] } };
  return data.nodes.map((node) => node?.url?.uri);
}

async function look(url: string, uri: string | undefined, sha256: string | null): Promise<string | null> {
  if (uri === undefined) return 'it has no URL';
  const { pathname, search } = new URL(uri);
  // The public address has a certificate that nobody signed; the path is what was signed.
  const response = await fetch(`${url}${pathname}${search}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const found = createHash('sha256').update(bytes).digest('hex');
  if (response.status !== 200) return `HTTP ${response.status}`;
  return found === sha256 ? null : `its bytes are ${found}, not ${sha256}`;
}
