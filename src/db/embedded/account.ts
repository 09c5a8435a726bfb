import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { EmbeddedError } from './error.ts';

const run = promisify(execFile);

/** The account PostgreSQL runs as; null is our own. */
export type Account = { uid: number; gid: number } | null;

/** PostgreSQL refuses to run as root: then it is the owner of an existing cluster, `postgres`, or `nobody`. */
export async function findAccount(cluster: string): Promise<Account> {
  if (process.getuid?.() !== 0) return ownAccount();
  const owner = await stat(cluster).catch(() => null);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const user = users.find((fields) => fields[0] === name);
    if (user) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new EmbeddedError(
    'The packaged PostgreSQL does not run as root and there is no user "postgres" or "nobody" to run it as: start as another user, or set DATABASE_URL.',
  );
}

/** Whether the account can do `test` (sh's -x, -r, -w) on the path; asked of the system, as modes alone do not tell. */
export async function canAccess(account: Account, test: '-x' | '-r' | '-w', path: string): Promise<boolean> {
  const command = run('/bin/sh', ['-c', `test ${test} "$1"`, 'sh', path], { ...account, cwd: '/' });
  return command.then(
    () => true,
    () => false,
  );
}

/** initdb needs a name for its user, which `docker run -u 12345` does not give it. */
function ownAccount(): null {
  try {
    userInfo();
    return null;
  } catch (error) {
    throw new EmbeddedError(
      'The packaged PostgreSQL needs its user in /etc/passwd: start as a user that is listed there, or set DATABASE_URL.',
      { cause: error },
    );
  }
}
