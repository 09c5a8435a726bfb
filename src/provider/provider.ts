import type { Trouble } from '../generation/failure-code.ts';
import type { Account, Mode, PollSchedule, ProviderLimits } from '../generation/provider.ts';
import type { ProviderModel } from '../generation/provider-model.ts';
import type {
  Exchange,
  PollReport,
  RecoverReport,
  ReportedImage,
  SubmitReport,
} from '../generation/provider-report.ts';
import type { ProviderRequest, Sending, SentSubmission } from '../generation/provider-request.ts';
import type { Connections } from './connections.ts';

/** One answer from a provider, in our words, with the exchange it came from. */
export interface Answer<Report> {
  report: Report;
  exchange: Exchange;
}

/** What every adapter is made with. */
export interface AdapterOptions {
  mode: Mode;
  /** Scheme, host and any path prefix before the documented path. */
  baseUrl: string;
  apiKey: string;
  /** Null: the provider's own. */
  submitTimeoutMs: number | null;
  pollSchedule: PollSchedule;
  resultHosts: readonly string[];
  /** What polls go over; whoever made them stops them. */
  connections: Connections;
}

/** What has come of a synchronous submission so far. */
export interface SoFar {
  images: ReportedImage[];
  undelivered: readonly Trouble[];
}

export type OnPartial = (soFar: SoFar) => Promise<void>;

/** Leave for one more request of a recovery: another question, or the same submission once more. */
export type MayGoOn = (next: 'ASK' | 'SEND_AGAIN') => Promise<boolean>;

/**
 * One provider in one mode. An adapter turns our request into its wire format and its answers into reports; it holds no
 * state and knows no database. Its calls never throw for anything the provider does: that is a report.
 */
export interface Provider {
  readonly slug: string;
  readonly name: string;
  readonly mode: Mode;
  readonly models: readonly ProviderModel[];
  /** When to ask about a task: the configured schedule, as it is. */
  readonly pollSchedule: PollSchedule;
  /** How many tasks one poll request can ask about. */
  readonly pollBatch: number;
  /** It may say that a task is over before it lists all its images: fewer than asked for are looked at again. */
  readonly resultsLag: boolean;
  readonly limits: ProviderLimits;
  /** What its limits are by the tier that its account tells; null where they do not differ. */
  limitsOf: ((tier: string) => ProviderLimits | null) | null;
  /** Where its result files may live without being a public address: the sandbox's own origin, `host:port`. */
  readonly resultHosts: readonly string[];
  /** The body to send, frozen before it is sent. Pure. */
  compose(request: ProviderRequest, sending: Sending): Record<string, unknown>;
  /**
   * Sends one body, once, over a fresh connection, with no retry in any layer. A provider that answers with the images
   * themselves tells `onPartial` of all that have come so far, each time one comes, and waits until that is stored.
   */
  submit(body: Record<string, unknown>, signal: AbortSignal, onPartial?: OnPartial): Promise<Answer<SubmitReport>>;
  /** Whether it answers a submission with the images: then there is nothing to poll. */
  readonly isSynchronous: boolean;
  /** Many requests in one submission; null where each goes alone. */
  readonly batch: {
    /** Pure; at most as many as `maxBatch` of the model. It is sent like any other body; credits are told for each. */
    compose(requests: readonly ProviderRequest[], sending: Sending): Record<string, unknown>;
    /** The id under which one of them is asked about, by the id of the batch and its place in it, from 0. */
    idOf(batchId: string, place: number): string;
  } | null;
  /** Ids with the same value are answered for by one question; null for an id that stands alone. */
  together(providerTaskId: string): string | null;
  /** What is left on the account; null where it cannot be asked. */
  readonly account: ((signal: AbortSignal) => Promise<Account | null>) | null;
  /**
   * Finds out what became of a submission whose answer was lost (providers.md §9): by the reference we gave it, and, only
   * where the provider refuses a second one with the same reference, by sending the very same again. Each request after
   * the first asks `may` just before it leaves. Null where nothing can be asked.
   */
  readonly recover:
    | ((submission: SentSubmission, may: MayGoOn, signal: AbortSignal) => Promise<Answer<RecoverReport>>)
    | null;
  /** Null for a provider that does not call back. */
  readonly callback: {
    /** It runs on this machine, and so reaches what nobody else does. */
    readonly isLocal: boolean;
    /** Whether its signature proves it, where the provider signs: of the raw bytes, in constant time. Null: none does. */
    readonly isGenuine:
      | ((raw: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>) => boolean)
      | null;
    /** What a callback says, for as long as it is believed: whose it is, and which batch it was in, where it says so. */
    read(body: unknown): { providerTaskId: string; batchId?: string } | null;
  } | null;
  /** Asks about tasks by the provider's ids; one answer for each, in the same order. */
  ask(providerTaskIds: readonly string[], signal: AbortSignal): Promise<Answer<PollReport>[]>;
}
