import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The secrets of the configuration, or one that was made on the first start and is kept in the data folder. */
export async function getSecrets(configured: readonly string[] | undefined, dataDir: string): Promise<string[]> {
  if (configured) return [...configured];
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, 'secret');
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(randomBytes(32).toString('base64url'));
    await file.sync();
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return [(await readFile(path, 'utf8')).trim()];
}
