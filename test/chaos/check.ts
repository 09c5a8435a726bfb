import type { Outcome } from './campaign.ts';
import { findDiffering } from './find-differing.ts';
import { findDuplicated } from './find-duplicated.ts';
import { findLost } from './find-lost.ts';
import { findOrphaned } from './find-orphaned.ts';
import { findRewritten } from './find-rewritten.ts';

/** A promise that was not kept, and to whom. */
export interface Fault {
  kind: 'lost' | 'duplicated' | 'orphaned' | 'rewritten' | 'differing' | 'bad picture' | 'complaint' | 'accident';
  /** Whose rows to look at. */
  generationId: string | null;
  why: string;
}

/** Every promise that the campaign broke, `calm` being the same orders without faults. */
export function findFaults(outcome: Outcome, calm: Outcome): Fault[] {
  const { badPictures, complaints, accidents } = outcome;
  const bare = (kind: Fault['kind']) => (why: string) => ({ kind, generationId: null, why });
  return [
    ...findLost(outcome),
    ...findDuplicated(outcome),
    ...findOrphaned(outcome),
    ...findRewritten(outcome),
    ...findDiffering(outcome, calm),
    ...badPictures.map(bare('bad picture')),
    ...complaints.map(bare('complaint')),
    ...accidents.map(bare('accident')),
  ];
}
