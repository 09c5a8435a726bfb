import { execFile } from 'node:child_process';
import { cp, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  parse,
  validate,
} from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { folderWithSchema } from './clients-folder.ts';

// What it exports is the path of its binary for this machine.
const relayCompiler: string = createRequire(import.meta.url)('relay-compiler');

test('the real relay-compiler compiles the document set: fragments, a paged connection, a refetch, a subscription', async () => {
  const folder = await folderWithSchema();
  await cp('examples/relay', join(folder, 'examples/relay'), { recursive: true });
  const cwd = join(folder, 'examples/relay');
  const { stdout } = await promisify(execFile)(relayCompiler, ['relay.config.json'], { cwd });
  expect(stdout).toContain('Compilation completed.');
  expect((await readdir(join(cwd, '__generated__'))).toSorted()).toEqual([
    'CreateGenerationMutation.graphql.ts',
    'GenerationCardRefetchQuery.graphql.ts',
    'GenerationCard_generation.graphql.ts',
    'GenerationListPageQuery.graphql.ts',
    'GenerationListQuery.graphql.ts',
    'GenerationList_query.graphql.ts',
    'WatchGenerationSubscription.graphql.ts',
  ]);
});

test('the operations for Kotlin and Swift are valid', async () => {
  const files = (await readdir('examples', { recursive: true })).filter((name) => name.endsWith('.graphql'));
  expect(files.toSorted()).toEqual(['kotlin/operations.graphql', 'swift/operations.graphql']);
  for (const file of files) {
    const document = parse(await readFile(join('examples', file), 'utf8'));
    expect(validate(schema, document).map(({ message }) => `${file}: ${message}`)).toEqual([]);
  }
});

test('no name of the schema is one that Apollo iOS or Apollo Kotlin must rename or refuse', () => {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
  );
  const members = types.flatMap((type) => {
    if (isEnumType(type)) return type.getValues().map(({ name }) => name);
    const named = isObjectType(type) || isInterfaceType(type) || isInputObjectType(type);
    return named ? Object.keys(type.getFields()) : [];
  });
  expect(types.map(({ name }) => name).filter((name) => RENAMED_TYPES.includes(name))).toEqual([]);
  expect(members.filter((name) => REFUSED_MEMBERS.includes(name))).toEqual([]);
  expect(types.filter(isScalarType).filter(({ name }) => STANDARD_TYPES.includes(name))).toEqual([]);
});

/** What Apollo iOS adds a suffix to (SwiftKeywords.TypeNamesToSuffix). */
const RENAMED_TYPES =
  'Any DataDict DocumentType Fragments FragmentContainer ParentType Protocol Schema Selection Self String Bool Int Int32 Float Double ID Type Error'.split(
    ' ',
  );
/** What neither can be made by a backtick (SwiftKeywords.DisallowedFieldNames; members of every Kotlin enum). */
const REFUSED_MEMBERS = ['__data', 'fragments', 'self', '_', 'hash', 'ordinal', 'entries', 'rawValue', 'UNKNOWN__'];
/** What everybody's code has at hand unqualified in Swift or Kotlin, and a scalar's alias would hide. */
const STANDARD_TYPES =
  'Array Boolean Byte Char Character Data Date Decimal Duration Instant Int64 List Long Map Number Optional Result Set Short URL UUID Unit Void'.split(
    ' ',
  );
