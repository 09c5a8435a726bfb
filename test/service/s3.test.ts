import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { CannotStart } from '../../src/sentences.ts';
import { BUCKET, KEY_ID, type S3Server, SECRET, startS3 } from '../storage/s3-server.ts';
import { create, only, query, readUntil } from './client.ts';
import { FAST, SECRET as SERVICE_SECRET, type Service, startService } from './service.ts';

let s3: S3Server;
let service: Service;
beforeAll(async () => {
  s3 = await startS3();
  service = await startService(environment());
});
afterAll(async () => {
  await service?.stop();
  await s3?.stop();
});

function environment(bucket = BUCKET, secret = SECRET): Record<string, string> {
  return {
    STORAGE_URL: `s3://${bucket}/pictures?endpoint=${s3.endpoint}`,
    AWS_ACCESS_KEY_ID: KEY_ID,
    AWS_SECRET_ACCESS_KEY: secret,
  };
}

test('a picture is brought home though S3 refuses it in one round and is busy in the next, and served by its link', async () => {
  s3.troubles.push({ method: 'PUT', act: 'FORBID' });
  for (let tries = 0; tries < 3; tries++) s3.troubles.push({ method: 'PUT', act: 'BUSY' });
  const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
  const { status, assets } = await readUntil(service.url, generation.id, undefined, { withinMs: 25_000 });
  const asset = only(assets);
  const link = asset.url?.uri ?? '';
  const whole = await fetch(link);
  const bytes = Buffer.from(await whole.arrayBuffer());
  const part = await fetch(link, { headers: { range: 'bytes=10-19', 'if-range': `"${asset.sha256}"` } });
  const known = await fetch(link, { headers: { 'if-none-match': `"${asset.sha256}"` } });
  expect([status, s3.troubles.length, whole.headers.get('etag')]).toEqual(['SUCCEEDED', 0, `"${asset.sha256}"`]);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(asset.sha256);
  expect([part.status, Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))]).toEqual([206, true]);
  expect(known.status).toBe(304);

  const document = 'query($id: ID!) { node(id: $id) { ... on Asset { url(width: 64, format: WEBP) { uri } } } }';
  const { data } = await query<{ node: { url: { uri: string } } }>(service.url, document, { id: asset.id });
  const small = await fetch(data.node.url.uri);
  expect([small.status, small.headers.get('content-type')]).toEqual([200, 'image/webp']);
  expect(s3.seen.filter((line) => line.startsWith('PUT')).every((line) => line.includes(`/${BUCKET}/pictures/`))).toBe(
    true,
  );
  const logged = service.logged.filter(({ msg }) => msg === 'an image could not be kept yet');
  expect(logged).toHaveLength(1);
  expect(JSON.stringify(service.logged)).not.toMatch(new RegExp(`${KEY_ID}|${SECRET}`));
  expect(await readdir(join(service.dataDir, 'incoming'))).toEqual([]);
  expect(await readdir(service.dataDir)).not.toContain('assets');
});

test('a start whose bucket or credentials are wrong is refused in a sentence, without a secret in it', async () => {
  const tried = { ...FAST, DATA_DIR: service.dataDir, DATABASE_URL: service.databaseUrl, SECRET_KEYS: SERVICE_SECRET };
  const environments = [environment('nobodys'), environment(BUCKET, 'not-the-secret')];
  const starts = environments.map((env) =>
    startApp(readConfig({ ...tried, ...env }).config, pino({ level: 'silent' })),
  );
  const refused = await Promise.allSettled(starts);
  expect(refused.map((start) => (start.status === 'rejected' ? start.reason : 'started'))).toEqual([
    new CannotStart(
      'Images cannot be stored: S3 answered 404 NoSuchBucket to PUT: there is no bucket of this name. See STORAGE_URL and DATA_DIR.',
    ),
    new CannotStart(
      'Images cannot be stored: S3 answered 403 SignatureDoesNotMatch to PUT: AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID. See STORAGE_URL and DATA_DIR.',
    ),
  ]);
});
