import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { folderWithSchema } from './clients-folder.ts';

const FOLDER = join(process.cwd(), 'examples/gql-tada');
const CLI = join(process.cwd(), 'node_modules/gql.tada/bin/cli.js');

test('the schema that gql.tada reads is the one the code serves (vitest -u writes it)', async () => {
  const folder = await folderWithSchema();
  const plugins = [{ name: 'gql.tada/ts-plugin', schema: 'schema.graphql' }];
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { plugins } }));
  await promisify(execFile)(process.execPath, [CLI, 'generate-output', '--output', 'env.d.ts'], { cwd: folder });
  const written = await readFile(join(folder, 'env.d.ts'), 'utf8');
  await expect(written).toMatchFileSnapshot('../../examples/gql-tada/graphql-env.d.ts');
}, 30_000);

test('gql.tada types a subscription to the last field, and a reader who copies its tsconfig has no errors', () => {
  const types = { Watched: 'ResultOf<typeof Watch>', Wanted: 'VariablesOf<typeof Watch>' };
  expect(resolve(types)).toMatchInlineSnapshot(`
    {
      "errors": [],
      "types": {
        "Wanted": [
          "{",
          "after?: string | null | undefined;",
          "id: string;",
          "}",
        ],
        "Watched": [
          "{",
          "generationUpdated: {",
          "cursor: string;",
          "final: boolean;",
          "generation: {",
          "status: "CANCELED" | "FAILED" | "PARTIALLY_SUCCEEDED" | "QUEUED" | "RUNNING" | "SUCCEEDED";",
          "progress: {",
          "percent: number | null;",
          "};",
          "assets: {",
          "url: {",
          "uri: string;",
          "} | null;",
          "}[];",
          "failure: {",
          "code: "CANCELED" | "DEADLINE_EXCEEDED" | "INTERNAL" | "MODERATED_OUTPUT" | "MODERATED_PROMPT" | "NOT_DELIVERED" | "OUTCOME_UNKNOWN" | "PROVIDER_CREDITS_EXHAUSTED" | "PROVIDER_ERROR" | "PROVIDER_LOST" | "PROVIDER_REJECTED" | "PROVIDER_UNREACHABLE" | "RATE_LIMITED" | "REFERENCE_UNREACHABLE" | "RESULT_INVALID" | "RESULT_UNAVAILABLE";",
          "message: string;",
          "} | null;",
          "};",
          "};",
          "}",
        ],
      },
    }
  `);
}, 60_000);

/** What TypeScript makes of types about watch.ts, written out, and what it has against that example. */
function resolve(types: Record<string, string>): { types: Record<string, string[]>; errors: unknown[] } {
  const file = join(FOLDER, 'resolved.ts');
  const text = Object.entries(types).map(([name, type]) => `export type ${name} = ${type};`);
  const imports = "import type { ResultOf, VariablesOf } from 'gql.tada'; import type { Watch } from './watch.ts';";
  const program = ts.createProgram(...withFile(file, `${imports} ${text.join(' ')}`));
  const checker = program.getTypeChecker();
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias;
  const aliases = program.getSourceFile(file)?.statements.filter(ts.isTypeAliasDeclaration) ?? [];
  const resolved = aliases.map((alias) => {
    const written = checker.typeToString(checker.getTypeAtLocation(alias), alias, flags);
    return [alias.name.text, written.split(/(?<=[;{]) /)];
  });
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(FOLDER));
  const errors = own.flatMap((each) => program.getSemanticDiagnostics(each)).map(({ messageText }) => messageText);
  return { types: Object.fromEntries(resolved), errors };
}

/** A program of one file that is not on the disk, under the configuration of the example. */
function withFile(file: string, source: string): [string[], ts.CompilerOptions, ts.CompilerHost] {
  const { config } = ts.readConfigFile(join(FOLDER, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, FOLDER);
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (path) => path === file || fileExists(path);
  host.getSourceFile = (path, version, ...rest) =>
    path === file ? ts.createSourceFile(path, source, version) : getSourceFile(path, version, ...rest);
  return [[file], options, host];
}
