import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { FORMATS } from './picture/picture.ts';
import type { Accepted } from './task.ts';

/** A file of accepted tasks, one JSON line each, that outlives a kill -9 of its process. */
export interface Journal {
  /** Written when this returns: the answer may leave after it. */
  append(accepted: Accepted): void;
  /** Replaces the whole file, so that it does not grow with history. */
  rewrite(accepted: Iterable<Accepted>): void;
  close(): void;
}

/** Opens the journal and reads what is in it; a line that was torn by a crash is left out. */
export function openJournal(file: string): { journal: Journal; kept: Accepted[] } {
  mkdirSync(dirname(file), { recursive: true });
  const kept = existsSync(file) ? readFileSync(file, 'utf8').split('\n').flatMap(parseLine) : [];
  let handle = openSync(file, 'a');
  const journal: Journal = {
    append: (accepted) => void writeSync(handle, toLine(accepted)),
    rewrite(all) {
      writeFileSync(`${file}.new`, Array.from(all, toLine).join(''));
      closeSync(handle);
      renameSync(`${file}.new`, file);
      handle = openSync(file, 'a');
    },
    close: () => closeSync(handle),
  };
  return { journal, kept };
}

const Line = z.object({
  id: z.string(),
  prompt: z.string(),
  count: z.number(),
  width: z.number(),
  height: z.number(),
  format: z.enum(FORMATS),
  credits: z.number(),
  callbackUrl: z.string().nullable(),
  otherFormats: z.array(z.enum(FORMATS)).exactOptional(),
  watermark: z.string().exactOptional(),
  oneByOne: z.boolean().exactOptional(),
  group: z.string().exactOptional(),
  facts: z.record(z.string(), z.unknown()).exactOptional(),
  provider: z.string(),
  acceptedAt: z.number(),
  requestHash: z.string(),
});

function parseLine(line: string): Accepted[] {
  try {
    return [Line.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}

function toLine(accepted: Accepted): string {
  // A task carries more than was accepted: the schema leaves that out.
  return `${JSON.stringify(Line.parse(accepted))}\n`;
}
