import type { Dialect } from './dialect.ts';
import { gptimage2 } from './gptimage2/gptimage2.ts';
import { modelark } from './modelark/modelark.ts';
import { reapi } from './reapi/reapi.ts';
import { runware } from './runware/runware.ts';
import { seedance } from './seedance/seedance.ts';
import { threedaistudio } from './threedaistudio/threedaistudio.ts';

/** Every provider the sandbox speaks for; each is mounted under its slug. */
export const DIALECTS: readonly Dialect[] = [gptimage2, modelark, runware, reapi, threedaistudio, seedance];
