import type { Database } from '../db/connect.ts';
import type { Hints } from '../events/hint.ts';
import type { Logger } from '../logger.ts';
import type { KillPoint } from './kill-points.ts';
import type { Observer } from './outcomes.ts';
import type { Mode, ProviderModel } from './provider.ts';

/** A provider as the domain sees it: data, no calls. */
export interface CatalogueEntry {
  slug: string;
  name: string;
  mode: Mode;
  models: readonly ProviderModel[];
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
  log: Logger;
  /** Who counts; nobody where it is left out. */
  observer?: Observer;
  /** Called when a kill point is reached; tests crash there. */
  reach?: (point: KillPoint) => void;
}
