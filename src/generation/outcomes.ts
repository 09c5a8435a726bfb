import { isFinished } from './derive.ts';
import type { Generation, GenerationStatus } from './types.ts';

/** Who counts what this process brought to an end. */
export interface Observer {
  generationFinished(status: GenerationStatus, mode: Generation['mode']): void;
  imageSettled(outcome: 'stored' | 'lost', mode: Generation['mode']): void;
  /** A round of work failed, or an image could not be kept; it is tried again. */
  failed(at: string): void;
}

/** Tells of the generations that are finished, and of the images that are stored or lost, since `before`. */
export function tellOutcomes(observer: Observer, before: readonly Generation[], after: readonly Generation[]): void {
  for (const [i, { status, mode, assets }] of after.entries()) {
    const was = before[i];
    if (!was || was === after[i]) continue;
    if (isFinished(status) && !isFinished(was.status)) observer.generationFinished(status, mode);
    const wasPending = new Map(was.assets.map(({ id, state }) => [id, state === 'PENDING']));
    for (const { id, state } of assets) {
      if (wasPending.get(id) === false) continue;
      if (state === 'STORED') observer.imageSettled('stored', mode);
      if (state === 'LOST') observer.imageSettled('lost', mode);
    }
  }
}
