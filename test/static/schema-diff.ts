import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { listChanges, readLastRelease } from './schema-changes.ts';

// npm run schema:diff: what schema.graphql changes for the clients of the last release; fails when it breaks them unannounced.
const { version, schema } = readLastRelease();
const changes = await listChanges(schema, buildSchema(readFileSync('schema.graphql', 'utf8')));
process.stdout.write(`${changes.length} changes since ${version}\n`);
for (const { class: kind, type, message } of changes) {
  process.stdout.write(`${kind.padEnd(9)}  ${type.padEnd(34)}  ${message}\n`);
}
process.exitCode = changes.some((change) => change.class === 'breaking') ? 1 : 0;
