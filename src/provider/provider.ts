import type {
  Exchange,
  Mode,
  PollReport,
  PollSchedule,
  ProviderModel,
  ProviderRequest,
  RecoverReport,
  Sending,
  SentSubmission,
  SubmitReport,
} from '../generation/provider.ts';

/** One answer from a provider, in our words, with the exchange it came from. */
export interface Answer<Report> {
  report: Report;
  exchange: Exchange;
}

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
  /** Where its result files may live without being a public address: the sandbox's own origin, `host:port`. */
  readonly resultHosts: readonly string[];
  /** The body to send, frozen before it is sent. Pure. */
  compose(request: ProviderRequest, sending: Sending): Record<string, unknown>;
  /** Sends one body, once, over a fresh connection, with no retry in any layer. */
  submit(body: Record<string, unknown>, signal: AbortSignal): Promise<Answer<SubmitReport>>;
  /**
   * Finds out what became of a submission whose answer was lost (providers.md §9): by the reference we gave it, and, only
   * where the provider refuses a second one with the same reference, by sending the very same again, if `maySendAgain`
   * says so just before. Null where nothing can be asked.
   */
  readonly recover:
    | ((
        submission: SentSubmission,
        maySendAgain: () => Promise<boolean>,
        signal: AbortSignal,
      ) => Promise<Answer<RecoverReport>>)
    | null;
  /** Null for a provider that does not call back. */
  readonly callback: {
    /** It runs on this machine, and so reaches what nobody else does. */
    readonly isLocal: boolean;
    /** What a callback says, for as long as it is believed: whose it is. */
    read(body: unknown): { providerTaskId: string } | null;
  } | null;
  /** Asks about tasks by the provider's ids; one answer for each, in the same order. */
  ask(providerTaskIds: readonly string[], signal: AbortSignal): Promise<Answer<PollReport>[]>;
}
