import { readFileSync } from 'node:fs';

/** A body as a source prints it: a seed, or providers.md. */
export function readGolden(name: string): string {
  return readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8');
}
