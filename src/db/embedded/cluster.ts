import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedError } from './error.ts';

/** The name of the application's role and of its database. */
export const NAME = 'darkroom';

/** Only the application's role may come in, only from this machine, only with its password. */
const HBA = `host all ${NAME} 127.0.0.1/32 scram-sha-256\n`;

/** Makes the cluster folder and its password unless they exist; answers the password. */
export async function prepareCluster(cluster: string, binaries: Binaries, account: Account): Promise<string> {
  const file = join(dirname(cluster), 'postgres.password');
  const known = await readFile(file, 'utf8').catch(() => null);
  const password = known ?? (await makePassword(file));
  const version = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => null);
  if (version === null) {
    await makeCluster(cluster, password, binaries, account);
  } else if (version.trim() !== binaries.version.split('.')[0]) {
    throw new EmbeddedError(
      `${cluster} was made by PostgreSQL ${version.trim()} and this release brings ${binaries.version}: move its data with pg_dump, or set DATABASE_URL.`,
    );
  } else if (known === null) {
    await runAlone(cluster, `ALTER ROLE ${NAME} PASSWORD '${password}';\n`, binaries, account);
  }
  return password;
}

async function makePassword(file: string): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  await writeFile(`${file}.new`, password, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return password;
}

/** Built aside and renamed: what exists under its name is whole, whenever the process died. */
async function makeCluster(cluster: string, password: string, binaries: Binaries, account: Account): Promise<void> {
  if (await stat(cluster).catch(() => null)) {
    throw new EmbeddedError(`${cluster} exists but is no database: move it away, or set another DATA_DIR.`);
  }
  const aside = `${cluster}.new`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside);
  await chmod(aside, 0o700);
  if (account) await chown(aside, account.uid, account.gid);
  const flags = ['--username=postgres', '--auth=reject', '--encoding=UTF8', '--locale=C'];
  await run(binaries.initdb, ['-D', aside, ...flags], '', account, aside);
  await writeFile(join(aside, 'pg_hba.conf'), HBA);
  // The test suite clones its template with this role, hence CREATEDB.
  const role = `CREATE ROLE ${NAME} LOGIN CREATEDB PASSWORD '${password}';\n`;
  await runAlone(aside, `${role}CREATE DATABASE ${NAME} OWNER ${NAME};\n`, binaries, account);
  await rename(aside, cluster);
}

/** Single-user mode needs no password: nobody but us can be connected, and the superuser never is. */
function runAlone(cluster: string, statements: string, binaries: Binaries, account: Account): Promise<void> {
  const args = ['--single', '-D', cluster, '-c', 'exit_on_error=true', 'postgres'];
  return run(binaries.postgres, args, statements, account, cluster);
}

async function run(file: string, args: string[], input: string, account: Account, cwd: string): Promise<void> {
  const child = spawn(file, args, { ...account, cwd, env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' }, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} failed (${code}): ${output.trim().split('\n').slice(-5).join(' | ')}`);
}
