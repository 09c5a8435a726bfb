import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DockerfileParser, type Instruction } from 'dockerfile-ast';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';

const instructions = DockerfileParser.parse(readFileSync('Dockerfile', 'utf8')).getInstructions();
const lastFrom = instructions.findLastIndex((each) => each.getKeyword() === 'FROM');
const final = instructions.slice(lastFrom);

test('three stages on one pinned glibc image: what is built and what is installed, apart from what runs', () => {
  const stages = all(instructions, 'FROM').map((args) => args.split(' AS '));
  expect(stages.map(([, name]) => name)).toEqual(['build', 'dependencies', undefined]);
  expect(new Set(stages.map(([image]) => image)).size).toBe(1);
  expect(stages[0]?.[0]).toMatch(/^node:\d+\.\d+\.\d+-bookworm-slim$/);
  expect(all(instructions, 'RUN')).toEqual([
    'npm ci',
    'node build.mjs',
    'npm ci --omit=dev',
    'install --directory --owner=node --group=node --mode=0750 /data',
  ]);
});

test('it runs as a user without rights, by the name that the image has in /etc/passwd', () => {
  expect(all(final, 'USER')).toEqual(['node']);
  const afterUser = final.slice(final.findIndex((each) => each.getKeyword() === 'USER'));
  expect(afterUser.filter((each) => ['RUN', 'COPY', 'ADD'].includes(each.getKeyword()))).toEqual([]);
});

test('signals reach the service itself, and it is told to drain by the one it drains at', () => {
  expect(all(final, 'CMD').map((args) => JSON.parse(args))).toEqual([['node', 'dist/main.js']]);
  expect(all(final, 'STOPSIGNAL')).toEqual(['SIGTERM']);
  expect(all(final, 'ENTRYPOINT')).toEqual([]);
});

test('the health check is node itself, and tells ready from not ready and from gone', async () => {
  const [, command = ''] = (all(final, 'HEALTHCHECK')[0] ?? '').split(/ CMD /);
  const [program, ...args]: string[] = JSON.parse(command);
  expect(program).toBe('node');
  let status = 200;
  const server = createServer((req, res) => res.writeHead(req.url === '/readyz' ? status : 404).end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const env = { PORT: String((server.address() as AddressInfo).port) };
  onTestFinished(() => void server.close());
  const check = () =>
    new Promise((resolve) => execFile(process.execPath, args, { env }, (error) => resolve(error?.code ?? 0)));
  expect(await check()).toBe(0);
  status = 503;
  expect(await check()).toBe(1);
  server.close();
  server.closeAllConnections();
  expect(await check()).toBe(1);
});

test('what is copied is there, and .dockerignore lets nothing else in', () => {
  const copies = all(instructions, 'COPY').filter((args) => !args.startsWith('--from='));
  const copied = new Set(copies.flatMap((args) => args.split(' ').slice(0, -1)));
  const ignored = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  expect(ignored[0]).toBe('*');
  expect(new Set(ignored.slice(1))).toEqual(new Set([...copied].map((path) => `!${path}`)));
  expect([...copied].filter((path) => !existsSync(path))).toEqual([]);
});

test('its environment is one the service accepts, on every address of the container', () => {
  const env = Object.fromEntries((all(final, 'ENV')[0] ?? '').split(' ').map((pair) => pair.split('=')));
  const { config, warnings } = readConfig(env);
  expect([config.HOST, config.PORT, config.DATA_DIR, warnings]).toEqual(['0.0.0.0', 4000, '/data', []]);
  expect(all(final, 'EXPOSE')).toEqual(['4000']);
});

test('its version is that of package.json', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(all(final, 'LABEL')[0]).toContain(`org.opencontainers.image.version="${version}"`);
});

/** What follows the keyword of each instruction of a kind, on one line. */
function all(from: readonly Instruction[], keyword: string): string[] {
  const found = from.filter((each) => each.getKeyword() === keyword);
  return found.map((each) =>
    each
      .getTextContent()
      .slice(keyword.length)
      .trim()
      .replace(/\\\n\s*/g, ''),
  );
}
