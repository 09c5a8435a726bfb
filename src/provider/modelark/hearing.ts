import type { Trouble } from '../../generation/failure-code.ts';
import type { Finished, ReportedImage } from '../../generation/provider-report.ts';
import type { SoFar } from '../provider.ts';
import type { Said } from '../trouble.ts';
import { endsSeries, toImageTrouble, toUnreachable } from './failures.ts';
import type { WireEvent } from './wire.ts';

/** What has been heard of one answer so far. */
export interface Hearing {
  /** Takes in the next thing; whether an image has come with it. */
  hear(event: WireEvent): boolean;
  readonly soFar: SoFar;
  /** Why the request failed as a whole, where it said so. */
  readonly fault: Said | null;
  /** All that comes of it, when nothing more can; null while that is not known. */
  finished(): Finished | null;
}

/** `most`: the images that may come at the most. */
export function createHearing(most: number): Hearing {
  // In the order in which they come, which is that of `image_index`: what was told once keeps its place.
  const images: ReportedImage[] = [];
  const undelivered: Trouble[] = [];
  let isOver = false;
  let fault: Said | null = null;

  return {
    hear(event) {
      switch (event.kind) {
        case 'IMAGE':
          images.push({ url: event.url, seed: null });
          return true;
        case 'NO_IMAGE':
          undelivered.push(event.said ? toImageTrouble(event.said) : toUnreachable());
          if (event.said && endsSeries(event.said)) isOver = true;
          return false;
        case 'COMPLETED':
          isOver = true;
          return false;
        case 'FAILED':
          fault = event.said;
          return false;
      }
    },
    get soFar() {
      return { images: [...images], undelivered: [...undelivered] };
    },
    get fault() {
      return fault;
    },
    finished() {
      const came = images.length + undelivered.length;
      // The line may break after the last one; nothing is missing then.
      if (isOver || came >= most) return finish(images, undelivered);
      return fault && came > 0 ? finish(images, [...undelivered, toImageTrouble(fault)]) : null;
    },
  };
}

/** What it billed it says in tokens, which are no credits. */
function finish(images: ReportedImage[], undelivered: Trouble[]): Finished {
  return { kind: 'FINISHED', images, undelivered, credits: null };
}
