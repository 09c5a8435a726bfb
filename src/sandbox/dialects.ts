import type { Dialect } from './dialect.ts';
import { gptimage2 } from './gptimage2/gptimage2.ts';

/** Every provider the sandbox speaks for; each is mounted under its slug. */
export const DIALECTS: readonly Dialect[] = [gptimage2];
