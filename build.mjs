// Turns src into plain JavaScript in dist, unless dist is newer than everything it is made of. Types are not looked at
// here (npm run check does that), so a start after a change waits for two seconds, and any other for none.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
process.chdir(root);
const STAMP = 'dist/.built';
const sources = readdirSync('src', { recursive: true }).map((name) => `src/${name}`);
const changed = Math.max(
  ...[...sources, 'src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map(timeOf),
);

if (timeOf(STAMP) <= changed) {
  rmSync('dist', { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(STAMP, '');
}

function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
