// Turns src into plain JavaScript in dist, file by file, in a fraction of a second. Types are checked by npm run check.
import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));

const asJavaScript = {
  name: 'import-as-javascript',
  setup({ onResolve }) {
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) =>
      kind === 'entry-point' ? null : { path: path.replace(/\.ts$/, '.js'), external: true },
    );
  },
};

const began = new Date();
const sources = (await readdir('src', { recursive: true })).map((name) => `src/${name}`);
if (!(await isBuilt())) await build();

async function isBuilt() {
  const built = await stat('dist/main.js').catch(() => null);
  const inputs = await Promise.all(['build.mjs', 'package-lock.json', 'src', ...sources].map((path) => stat(path)));
  return built !== null && inputs.every(({ mtimeMs }) => mtimeMs < built.mtimeMs);
}

async function build() {
  const esbuild = await import('esbuild').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write('dist is missing or out of date: building it needs `npm ci` with development dependencies.\n');
    process.exit(1);
  });
  const outdir = `dist.${randomUUID()}`;
  const entryPoints = sources.filter((path) => path.endsWith('.ts'));
  const bundling = { bundle: true, packages: 'external', plugins: [asJavaScript], sourcemap: true };
  const target = { platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning' };
  try {
    await esbuild.build({ entryPoints, outdir, ...bundling, ...target });
    // What is edited while it is built is newer than the build.
    await utimes(`${outdir}/main.js`, began, began);
    if (!(await isBuilt())) await swap(outdir);
  } finally {
    for (const left of [outdir, `${outdir}.old`]) await rm(left, { recursive: true, force: true });
  }
}

/** Several may be here at once: who finds dist gone, or there again, was overtaken by one that built the same. */
async function swap(outdir) {
  await rename('dist', `${outdir}.old`).catch(tolerate('ENOENT'));
  await rename(outdir, 'dist').catch(tolerate('ENOTEMPTY', 'EEXIST'));
}

function tolerate(...codes) {
  return (error) => {
    if (!codes.includes(error.code)) throw error;
  };
}
