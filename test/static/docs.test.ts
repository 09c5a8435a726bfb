import { readdirSync, readFileSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { tableOfProviders } from './provider-table.ts';

const PAGES = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

/** A block of code under the comment that says where it is from: a file, or its lines from one text to before another. */
const EXTRACTED = /<!-- (examples\/[^\s:]+)(?:: (.+?)(?: … (.+?))?)? -->\n```(\w+)\n.*?```/gs;

/** What stands between these two is made from the data. */
const TABLE = /(<!-- the providers, from their limits -->).*?(<!-- end of the providers -->)/s;

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(page, 'utf8');

  test('every block of GraphQL is valid', () => {
    const documents = [...text.matchAll(/```graphql\n(.*?)\n```/gs)].map(([, document = '']) => document);
    const faults = documents.flatMap((document) => validate(schema, parse(document)).map(({ message }) => message));
    expect(faults).toEqual([]);
  });

  test('every block of code that names a file is what the file says, and the table of the providers what their limits say (vitest -u writes it)', async () => {
    const fresh = text.replace(EXTRACTED, (block, file, from, to, language) => {
      const [comment] = block.split('\n', 1);
      return `${comment}\n\`\`\`${language}\n${extract(file, from, to)}\n\`\`\``;
    });
    await expect(fresh.replace(TABLE, `$1\n${tableOfProviders()}\n$2`)).toMatchFileSnapshot(`../../${page}`);
  });
});

test('every file that shows how to use a client is on the page about clients', () => {
  const shown = readFileSync('docs/clients.md', 'utf8');
  const files = readdirSync('examples').filter((name) => /\.(mjs|sh)$/.test(name));
  expect(files.filter((name) => !shown.includes(`<!-- examples/${name}`))).toEqual([]);
});

/** The lines from the first that begins with `from` to before the next that begins with `to`. */
function extract(file: string, from: string | undefined, to: string | undefined): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const first = from ? lines.findIndex((line) => line.startsWith(from)) : 0;
  const last = to ? lines.findIndex((line, i) => i > first && line.startsWith(to)) : lines.length;
  if (first === -1 || last === -1) throw new Error(`${file} has no lines from "${from}" to "${to}".`);
  return lines.slice(first, last).join('\n').trimEnd();
}
