import { expect, test } from 'vitest';
import { startService } from './service.ts';
import { WATCH } from './watch.ts';
import { bearer } from './client.ts';
test('x', async () => {
  const s = await startService();
  for (const accept of ['text/event-stream', 'multipart/mixed', 'application/graphql-response+json']) {
  const r = await fetch(`${s.url}/graphql`, {method:'POST', headers:{accept,'content-type':'application/json'}, body: JSON.stringify({query: WATCH, variables:{id:'gen_1'}})});
  console.log(accept, r.status, r.headers.get('content-type'), (await r.text()).slice(0,300));
  }
  const g = await fetch(`${s.url}/graphql?query=${encodeURIComponent('mutation { createGeneration(input: {prompt:"x"}) { generation { id } } }')}`, {headers: {accept: 'application/json', authorization: 'Bearer sk_test_of-the-workspace-default'}});
  console.log('GET mutation', g.status, await g.text());
  const post = async (query: string, variables: object = {}) => { const r = await fetch(`${s.url}/graphql`, {method:'POST', headers:{...bearer('sk_test_of-the-workspace-default'),'content-type':'application/json'}, body: JSON.stringify({query, variables})}); return [r.status, (await r.text()).slice(0,400)]; };
  for (const id of ['constructor', 'toString', '__proto__', 'key_\0', 'gen_\0', 'wsp_\0', 'key_\ud800', 'valueOf_1'])
    console.log(JSON.stringify(id), await post('query($ids:[ID!]!){nodes(ids:$ids){id}}', {ids:[id]}));
  let deep: unknown = 1; for (let i=0;i<8000;i++) deep=[deep];
  const deepText = '['.repeat(8100)+']'.repeat(8100);
  const raw = await fetch(`${s.url}/graphql`, {method:'POST', headers:{...bearer('sk_test_of-the-workspace-default'),'content-type':'application/json'}, body: `{"query":"mutation($m: JSON){createGeneration(input:{prompt:\\"x\\",metadata:$m}){generation{id} errors{code message path}}}","variables":{"m":${deepText}}}`});
  console.log('deep', raw.status, (await raw.text()).slice(0,300));
  console.log('surr key', await post('query($k:String!){generation(idempotencyKey:$k){id}}', {k:'\ud800'}), await post('query($k:String!){generation(idempotencyKey:$k){id}}', {k:'\0'}));
  console.log(await post('mutation($i:CreateGenerationInput!){createGeneration(input:$i){generation{id} errors{code message path}}}', {i:{prompt:'x', model:'\0'}}));
  console.log(await post('mutation($i:CreateGenerationInput!){createGeneration(input:$i){generation{id} errors{code message path}}}', {i:{prompt:'x', colors:['\0']}}));
  console.log('status filter', await post('query{generations(filter:{status:[]}){edges{node{id}}}}'), await post('query{generations(filter:{provider:[]}){edges{node{id}}}}'));
  console.log('date', await post('query($d:DateTime){generations(filter:{createdAfter:$d}){edges{node{id}}}}',{d:'9999-12-31T23:59:59Z'}), await post('query($d:DateTime){generations(filter:{createdAfter:$d}){edges{node{id}}}}',{d:'2026-02-31T00:00:00+99:00'}), await post('query($d:DateTime){generations(filter:{createdAfter:$d}){edges{node{id}}}}',{d:'0000-01-01T00:00:00Z'}));
  const cursor = (v: unknown) => Buffer.from(JSON.stringify(v)).toString('base64url');
  console.log('cursor', await post('query($c:Cursor){generations(after:$c){edges{node{id}}}}',{c:'\0'}), await post('query($c:Cursor){generations(after:$c){edges{node{id}}}}',{c:cursor({})}));
  const own = await post('{viewer{workspace{id}}}'); const ws = JSON.parse(String(own[1])).data.viewer.workspace.id;
  console.log('forged cursor NUL', await post('query($c:Cursor){generations(after:$c){edges{node{id}}}}',{c:cursor(['page', ws, 'a\0b'])}));
  const made = await post('mutation($i:CreateGenerationInput!){createGeneration(input:$i){generation{id} errors{code message path}}}', {i:{prompt:'x [[slow=5]]'}});
  const id = JSON.parse(String(made[1])).data.createGeneration.generation.id;
  for (const v of ['NaN', '', '1e999', 'x', '-5', '99999999999']) { const r = fetch(`${s.url}/graphql`, {method:'POST', headers:{...bearer('sk_test_of-the-workspace-default'),'content-type':'application/json', accept:'text/event-stream'}, body: JSON.stringify({query:'subscription($c:Cursor,$id:ID){generationUpdated(id:$id,after:$c){final kind}}', variables:{id, c:cursor(['version',ws,`${id}.${v}`])}}), signal: AbortSignal.timeout(9000)}).then(r=>r.text()).catch(e=>String(e)); console.log('version', v, (await r).replace(/\s+/g,' ').slice(0,200)); }
  await s.stop();
  expect(1).toBe(1);
}, 90000);
