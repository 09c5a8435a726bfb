import { z } from 'zod';

/** Where STORAGE_URL says that images are kept. */
export type StoragePlace =
  | { kind: 'DISK'; folder: string }
  /** `prefix` is empty or ends with a slash; `endpoint` has no slash at its end, and is null for AWS. */
  | { kind: 'S3'; bucket: string; prefix: string; endpoint: string | null; region: string };

const FORM = 'must be file: and a folder, or s3://bucket/prefix?endpoint=https://host:port&region=name';
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^(?:\w[\w.-]{0,127}\/){0,4}$/;
const REGION = /^[a-z0-9-]{1,32}$/;

/** Reads STORAGE_URL. */
export const storageUrl = z.string().transform((value, context): StoragePlace => {
  const place = value.startsWith('file:') ? readFolder(value.slice('file:'.length)) : readBucket(value);
  if (typeof place !== 'string') return place;
  context.addIssue({ code: 'custom', message: place });
  return z.NEVER;
});

/** The place, or what is wrong with it. */
function readFolder(folder: string): StoragePlace | string {
  return folder === '' ? FORM : { kind: 'DISK', folder };
}

function readBucket(value: string): StoragePlace | string {
  if (!value.startsWith('s3://') || !URL.canParse(value)) return FORM;
  const { hostname: bucket, pathname, searchParams, username, password, port, hash } = new URL(value);
  if (username || password)
    return 'must not hold credentials: they go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  if (port || hash || [...searchParams.keys()].some((name) => !['endpoint', 'region'].includes(name))) return FORM;
  if (!BUCKET.test(bucket)) return 'must name a bucket: 3 to 63 lower-case letters, digits, dots and hyphens';
  const prefix = pathname.replace(/^\/|\/+$/g, '').replace(/.$/, '$&/');
  if (!PREFIX.test(prefix)) return 'must have a prefix of letters, digits, dots, hyphens and slashes, or none';
  const region = searchParams.get('region') || 'us-east-1';
  if (!REGION.test(region)) return 'must have a region such as eu-central-1, or none';
  const endpoint = searchParams.get('endpoint')?.replace(/\/+$/, '') || null;
  if (endpoint !== null && !isEndpoint(endpoint)) return 'must have an endpoint such as https://host:port, or none';
  return { kind: 'S3', bucket, prefix, endpoint, region };
}

function isEndpoint(text: string): boolean {
  if (!/^https?:\/\/[\w.:[\]/-]+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return !username && !password;
}
