import { join } from 'node:path';
import type { Config } from './config/config.ts';
import { CannotStart } from './sentences.ts';
import { createDiskStorage } from './storage/disk.ts';
import { createS3Storage } from './storage/s3.ts';
import type { Storage } from './storage/storage.ts';

/**
 * Where images are kept, tried: better no start than pictures that cannot be kept. An api keeps none but variants, and
 * answers without storage.
 */
export async function openStore(config: Config): Promise<Storage> {
  const storage = createStorage(config);
  try {
    await storage.sweep();
    if (config.ROLE !== 'api') await storage.check();
    return storage;
  } catch (error) {
    await storage.stop();
    const why = (error as Error).message.replace(/\.$/, '');
    throw new CannotStart(`Images cannot be stored: ${why}. See STORAGE_URL and DATA_DIR.`);
  }
}

function createStorage(config: Config): Storage {
  const { STORAGE_URL: place, DATA_DIR } = config;
  if (place?.kind !== 'S3') return createDiskStorage(place?.folder ?? join(DATA_DIR, 'assets'));
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN = null } = config;
  return createS3Storage({
    ...place,
    spool: join(DATA_DIR, 'incoming'),
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  });
}
