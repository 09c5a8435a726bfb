import type { Trouble } from './failure-code.ts';
import type { Money } from './money.ts';
import type { Mode } from './provider.ts';
import type { ImageFormat, ProgressBasis, Resolution } from './provider-model.ts';
import type { ProviderOptions, ProviderRequest, Safety, Thinking } from './provider-request.ts';

export type GenerationStatus = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'PARTIALLY_SUCCEEDED' | 'FAILED' | 'CANCELED';

export type TaskStatus =
  | 'QUEUED'
  | 'SUBMITTING'
  | 'UNCERTAIN'
  | 'ACCEPTED'
  | 'RUNNING'
  | 'COLLECTING'
  | 'SUCCEEDED'
  | 'PARTIALLY_SUCCEEDED'
  | 'FAILED'
  | 'CANCELED';

type AssetState = 'PENDING' | 'STORED' | 'LOST' | 'DELETED';

/** What went wrong, and when. `at` is RFC 3339 in UTC. */
export interface Failure extends Trouble {
  at: string;
}

export type CostBasis = 'RESERVED' | 'SETTLED' | 'REFUNDED' | 'UNKNOWN';
export interface Cost {
  basis: CostBasis;
  reserved: Money | null;
  settled: Money | null;
  /** In the provider's own credits, as it reported them. */
  providerCredits: string | null;
}

/** What was changed to fit a provider. */
export interface Adjustment {
  path: string[];
  asked: string | null;
  sent: string | null;
  reason: string;
}

/** STRICT sends what was asked or nothing; NEAREST may adjust it and says how. */
export type Fit = 'STRICT' | 'NEAREST';

/**
 * What happens to a task whose submit left and was not answered: WAIT holds it and never sends it again; FAIL ends it at
 * once; RESUBMIT makes another attempt, and so accepts to pay twice.
 */
export type OnUncertain = 'WAIT' | 'FAIL' | 'RESUBMIT';

export type Preference = 'CHEAPEST' | 'FASTEST' | 'BALANCED';

/** What happens when a provider provably did not take a task, or refused it: another one is asked, or it fails. */
export type OnFailure = 'FALLBACK' | 'FAIL';

/** What is absent was not asked for. */
export interface Routing {
  /** Slugs; absent: any. */
  providers?: string[];
  /** Absent: BALANCED. */
  prefer?: Preference;
  /** Absent: FALLBACK. */
  onFailure?: OnFailure;
  onUncertain: OnUncertain;
  /** For all its images together, at whichever provider; absent: no limit. */
  maxCost?: Money;
}

export interface GenerationRequest {
  images: number;
  width: number | null;
  height: number | null;
  aspectRatio: string | null;
  resolution: Resolution | null;
  seed: number | null;
  references: { uri: string }[];
  style: string | null;
  colors: string[] | null;
  thinking: Thinking;
  outputFormat: ImageFormat | null;
  outputQuality: number | null;
  watermark: boolean | null;
  safety: Safety;
  series: boolean;
  /** Absent in generations of earlier releases. */
  options?: ProviderOptions;
}

export interface Asset {
  workspaceId: string;
  id: string;
  generationId: string;
  taskId: string;
  index: number;
  state: AssetState;
  /** What its provider calls it; null where it gives no name: then its address does. */
  imageName: string | null;
  providerUrl: string;
  providerUrlExpiresAt: Date | null;
  seed: string | null;
  storageKey: string | null;
  thumbhash: string | null;
  width: number | null;
  height: number | null;
  mimeType: string | null;
  byteSize: number | null;
  sha256: string | null;
  failure: Failure | null;
  /** Times a fresh URL was got from the provider. */
  refreshes: number;
  /** Looks at its URL that found no image. */
  badLooks: number;
  createdAt: Date;
  deletedAt: Date | null;
}

export interface Task {
  workspaceId: string;
  id: string;
  generationId: string;
  mode: Mode;
  attempt: number;
  provider: string;
  status: TaskStatus;
  routeReason: string;
  /** The first of the generation's slots it fills, and how many. */
  firstSlot: number;
  imageCount: number;
  request: ProviderRequest;
  submissionId: string | null;
  /** Which order of its submission it is, from 0; null for one that was sent alone. */
  place: number | null;
  /** Tasks with the same key may leave in one submission; null: alone. */
  batchKey: string | null;
  /** Whether its provider was told an address to call. */
  awaitsCallback: boolean;
  providerTaskId: string | null;
  percent: number | null;
  progressBasis: ProgressBasis;
  etaSeconds: number | null;
  cost: Cost;
  failure: Failure | null;
  /** Why single images of it were not made, where its provider says; in no order. */
  undelivered: Failure[] | null;
  pollCount: number;
  /** When a worker should look at it next. */
  nextAt: Date;
  /** While UNCERTAIN: when the hold ends. */
  holdUntil: Date | null;
  /** Of a final task whose end at the provider is not known yet: until when it is still asked for. */
  settleUntil: Date | null;
  /** While it waits because its provider is left alone: as of when. */
  turnedAwayAt: Date | null;
  workerId: string | null;
  leaseToken: number;
  /** Times it was taken up in its present status, counted before the work. */
  tries: number;
  createdAt: Date;
  submittedAt: Date | null;
  acceptedAt: Date | null;
  finishedAt: Date | null;
  deadlineAt: Date;
}

/** A generation with all its tasks (oldest first) and assets (in slot order): always read and written together. */
export interface Generation {
  workspaceId: string;
  id: string;
  mode: Mode;
  version: number;
  status: GenerationStatus;
  prompt: string;
  model: string;
  request: GenerationRequest;
  adjustments: Adjustment[];
  fit: Fit;
  routing: Routing;
  /** The generation that this one asks for again. */
  retryOf: string | null;
  idempotencyKey: string | null;
  requestHash: string;
  percent: number | null;
  progressBasis: ProgressBasis;
  etaSeconds: number | null;
  failure: Failure | null;
  metadata: unknown;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  deadlineAt: Date;
  tasks: Task[];
  assets: Asset[];
}

/** One image asked for: pending (both null), a picture, or the reason there is none. */
export interface Slot {
  index: number;
  asset: Asset | null;
  failure: Failure | null;
}

export type EventType =
  | 'GENERATION_CREATED'
  | 'GENERATION_PROGRESSED'
  | 'GENERATION_FINISHED'
  | 'TASK_CHANGED'
  | 'ASSET_STORED'
  | 'ASSET_LOST'
  | 'ASSET_DELETED'
  | 'COST_SETTLED';

/** One row of the log that has its place in the feed: what was true when it happened. */
export interface GenerationEvent {
  workspaceId: string;
  id: string;
  generationId: string;
  version: number;
  position: number;
  type: EventType;
  at: Date;
  status: GenerationStatus;
  percent: number | null;
  taskId: string | null;
  taskStatus: TaskStatus | null;
  assetId: string | null;
  failure: Failure | null;
  cost: Cost | null;
}
