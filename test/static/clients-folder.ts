import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { onTestFinished } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';

/** A folder with schema.graphql as the code has it now, whatever is committed; removed after the test. */
export async function folderWithSchema(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'darkroom-clients-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'schema.graphql'), printSchema(lexicographicSortSchema(schema)));
  return folder;
}
