import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const LEAST_CHARACTERS = 32;

/** The secrets of the configuration, or one that was made on the first start and is kept in the data folder. */
export async function getSecrets(configured: readonly string[] | undefined, dataDir: string): Promise<string[]> {
  if (configured) return [...configured];
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, 'secret');
  await makeOnce(path, randomBytes(32).toString('base64url'));
  const secret = (await readFile(path, 'utf8')).trim();
  if (secret.length < LEAST_CHARACTERS) throw new Error(`${path} is shorter than ${LEAST_CHARACTERS} characters.`);
  return [secret];
}

/** Written aside and linked: under its name it is whole, and the first of several processes wins. */
async function makeOnce(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(aside, text, { mode: 0o600, flush: true });
    await link(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
