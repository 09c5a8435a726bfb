import { readFileSync } from 'node:fs';

/** A body as a source prints it: seed 000, or providers.md §1.2. */
export function readGolden(name: string): string {
  return readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8');
}
