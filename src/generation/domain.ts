import type { Database } from '../db/connect.ts';
import type { Hints } from '../events/hint.ts';
import type { Logger } from '../logger.ts';
import type { KillPoint } from './kill-points.ts';
import type { Observer } from './outcomes.ts';
import type { Mode, ProviderLimits } from './provider.ts';
import type { ProviderModel } from './provider-model.ts';
import type { Standing } from './standing.ts';

/** A provider as the domain sees it: data, no calls. */
export interface CatalogueEntry {
  slug: string;
  name: string;
  mode: Mode;
  models: readonly ProviderModel[];
  limits: ProviderLimits;
  /** Its answer to a submission is the images. */
  isSynchronous: boolean;
  /** It may say that a task is over before it lists all its images. */
  resultsLag: boolean;
}

interface Timing {
  leaseMs: number;
  uncertainHoldMs: number;
  /** The deadline of a generation that asks for none, in milliseconds from its creation. */
  deadlineMs: number;
  /** How long events stay in the feed. */
  eventRetentionMs: number;
}

/** What every verb of the domain needs. */
export interface Domain {
  db: Database;
  hints: Hints;
  catalogue: readonly CatalogueEntry[];
  timing: Timing;
  /** How a provider is doing, without waiting; of all of them nothing is known where it is left out. */
  standingOf?: (provider: string, mode: Mode) => Standing;
  log: Logger;
  /** Who counts; nobody where it is left out. */
  observer?: Observer;
  /** Called when a kill point is reached; tests crash there. */
  reach?: (point: KillPoint) => void;
}
