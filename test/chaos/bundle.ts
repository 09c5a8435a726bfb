import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Native, with worker threads, or never needed here. */
const LEFT_OUT = ['sharp', 'pino', '@graphql-yoga/render-graphiql'];

/** The scripts that campaigns run. */
export interface Scripts {
  service: string;
  provider: string;
}

/**
 * Puts the service and the provider into one file each: they start in a third of the time, and stay the same whatever is
 * built or migrated meanwhile. Beside them lies what the service looks for around itself.
 */
export async function bundle(folder: string): Promise<Scripts> {
  await build({
    entryPoints: { service: join(ROOT, 'test/chaos/process.ts'), provider: join(ROOT, 'test/chaos/provider.ts') },
    outdir: join(folder, 'service/scripts'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    external: LEFT_OUT,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // What is CommonJS in there calls it.
    banner: {
      js: `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`,
    },
    logLevel: 'error',
  });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await cp(join(ROOT, 'migrations'), join(folder, 'migrations'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(folder, 'service/package.json'));
  const at = (name: string) => join(folder, 'service/scripts', name);
  return { service: at('service.mjs'), provider: at('provider.mjs') };
}
