import type { ProviderSlug } from '../../src/config/provider-slugs.ts';

/** Status, and the code and the bill of the failure. */
export type End = string;

export const WELL = 'SUCCEEDED';
const NOBODY_KNOWS = 'FAILED OUTCOME_UNKNOWN UNKNOWN';

/** The end of those that are named, and that of all the others; null: not looked for here. */
export type EndsOf = Partial<Record<ProviderSlug, End | null>> & { all: End | null };

/** How each directive ends where there is time. */
export const DIRECTIVES: Record<string, EndsOf> = {
  'slow=0.5': { all: WELL },
  fail: {
    all: 'FAILED PROVIDER_ERROR UNKNOWN',
    gptimage2: 'FAILED PROVIDER_REJECTED UNKNOWN',
    runware: 'FAILED PROVIDER_REJECTED UNKNOWN',
    modelark: 'FAILED PROVIDER_ERROR NO',
    reapi: 'FAILED PROVIDER_REJECTED NO',
  },
  moderated: {
    all: 'FAILED MODERATED_OUTPUT UNKNOWN',
    reapi: 'FAILED MODERATED_OUTPUT NO',
    modelark: 'FAILED MODERATED_PROMPT NO',
    seedance: 'FAILED MODERATED_PROMPT NO',
  },
  'rate-limited=1': { all: WELL },
  // Who calls back, or can be asked, finds it again.
  'lost-answer': { all: WELL, modelark: NOBODY_KNOWS, reapi: NOBODY_KNOWS, threedaistudio: NOBODY_KNOWS },
  'submit-500': { all: WELL, modelark: NOBODY_KNOWS, reapi: NOBODY_KNOWS, threedaistudio: NOBODY_KNOWS },
  'lost-answer]] [[no-callback': { all: NOBODY_KNOWS, runware: WELL },
  'expired-url': { all: 'FAILED RESULT_UNAVAILABLE UNKNOWN' },
  'bad-image': { all: 'FAILED RESULT_INVALID UNKNOWN' },
  'late-asset': { all: WELL },
  // One has no polls. The others say soon that they do not know it, but for one, of which this is HASTY.
  'lost-poll': { all: 'FAILED PROVIDER_LOST UNKNOWN', modelark: WELL, runware: null },
  'odd-status': { all: WELL },
  'no-callback': { all: WELL },
  'double-callback': { all: WELL },
};
/** And where there is none. */
export const HASTY: Record<string, EndsOf> = {
  // What this one says of an id that it does not know it says of what waits, too.
  'lost-poll': { all: null, runware: 'FAILED DEADLINE_EXCEEDED UNKNOWN' },
  // This one is waited for, and then it has not answered.
  stuck: { all: 'FAILED DEADLINE_EXCEEDED UNKNOWN', modelark: NOBODY_KNOWS },
};
/** Three times 64 MiB are read: for itself, so that nobody else waits for that. */
export const HUGE: Record<string, EndsOf> = { 'huge-image': { all: 'FAILED RESULT_INVALID UNKNOWN' } };
export const NO_CREDITS = 'FAILED PROVIDER_CREDITS_EXHAUSTED NO';

export const ratio = (aspectRatio: string, resolution: string | null = null) => ({
  ratio: { aspectRatio, resolution },
});
const pixels = (width: number, height: number) => ({ pixels: { width, height } });

/** Each form of a size, and the pixels that come of it; null where the model chooses the shape. */
export const SIZES: Record<ProviderSlug, [size: object | null, pixels: string | null][]> = {
  gptimage2: [
    [null, '2048x2048'],
    [ratio('4:5'), '1856x2320'],
    [ratio('16:9', 'R2K'), '2848x1600'],
    [ratio('3:2', 'R4K'), '4992x3328'],
    [ratio('auto'), null],
    [pixels(2560, 1440), '2560x1440'],
  ],
  modelark: [
    [null, '2048x2048'],
    [ratio('3:2'), '2496x1664'],
    [ratio('16:9', 'R3K'), '4096x2304'],
    [ratio('auto'), null],
    [ratio('auto', 'R2K'), null],
    [pixels(2560, 1440), '2560x1440'],
  ],
  runware: [
    [null, '2048x2048'],
    [ratio('21:9'), '3136x1344'],
    [ratio('16:9', 'R3K'), '4096x2304'],
    [pixels(2560, 1440), '2560x1440'],
  ],
  reapi: [
    [null, '2048x2048'],
    [ratio('21:9'), '3136x1344'],
    [ratio('16:9', 'R3K'), '4096x2304'],
  ],
  threedaistudio: [
    [null, null],
    [ratio('1:1'), '2048x2048'],
    [ratio('9:16'), '1600x2848'],
    [ratio('auto', 'R2K'), null],
  ],
  seedance: [
    [null, '1024x1024'],
    [ratio('16:9'), '1360x768'],
    [ratio('3:2', 'R1K'), '1248x832'],
  ],
};

/** How many tasks three independent pictures are. */
export const SPLIT: Record<ProviderSlug, number> = {
  gptimage2: 1,
  modelark: 3,
  runware: 1,
  reapi: 1,
  threedaistudio: 1,
  seedance: 3,
};

/** What becomes of the second of two pictures of which one is made. */
export const PARTIAL: Record<ProviderSlug, End> = {
  gptimage2: 'NOT_DELIVERED UNKNOWN',
  modelark: 'MODERATED_OUTPUT NO',
  runware: 'PROVIDER_ERROR UNKNOWN',
  reapi: 'NOT_DELIVERED UNKNOWN',
  threedaistudio: 'NOT_DELIVERED UNKNOWN',
  // Each is an order of its own, and one is all that is asked for.
  seedance: '',
};
