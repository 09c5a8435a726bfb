import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildOnce } from '../service/build.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The service of `dist` with the entry of this campaign's processes beside it. */
const beside = {
  name: 'beside-the-service',
  setup({ onResolve }: { onResolve: (options: { filter: RegExp }, answer: (found: { path: string }) => object) => void }) {
    onResolve({ filter: /^\.\.\/\.\.\/src\// }, ({ path }) => ({
      path: path.replace('../../src/', './').replace(/\.ts$/, '.js'),
      external: true,
    }));
  },
};

/**
 * Builds the service and copies it into the folder: whatever is built while the campaign runs, all its processes are of
 * one version, and each starts from plain JavaScript. Answers the folder of the scripts.
 */
export async function install(folder: string): Promise<string> {
  await buildOnce();
  const dist = join(folder, 'dist');
  await cp(join(ROOT, 'dist'), dist, { recursive: true });
  for (const name of ['package.json', 'migrations', 'node_modules']) await symlink(join(ROOT, name), join(folder, name));
  await build({
    entryPoints: [join(ROOT, 'test/chaos/process.ts')],
    outfile: join(dist, 'chaos-process.js'),
    bundle: true,
    plugins: [beside],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return dist;
}
