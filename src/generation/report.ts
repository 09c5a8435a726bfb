import type { StoredFacts } from '../asset/keep.ts';
import type { Trouble } from './failure-code.ts';
import type { PollReport, RecoverReport, ReportedImage, SubmitReport } from './provider-report.ts';

/** Everything that can be said of a task. `token` is the lease of the worker that says it. */
export type Report =
  | {
      kind: 'SENDING';
      taskId: string;
      token: number;
      submissionId: string;
      /** In a batch. */
      place?: number;
      awaitsCallback?: boolean;
    }
  /** What has come so far of a submission that is answered with the images themselves. */
  | { kind: 'ARRIVED'; taskId: string; submissionId: string; images: ReportedImage[] }
  /** How far such a submission is by all experience, in percent. */
  | { kind: 'ESTIMATED'; taskId: string; submissionId: string; percent: number }
  /** `alone`: of a batch that was refused, perhaps for another of its tasks. */
  | { kind: 'SUBMITTED'; taskId: string; submissionId: string; report: SubmitReport; alone?: boolean }
  /** It cannot be sent to its provider just now, for a reason that is not its own. */
  | { kind: 'TURNED_AWAY'; taskId: string; token: number; failure: Trouble; seenAt: Date; delayMs: number }
  /** It cannot be sent: a reference is not what it should be, here or at all. */
  | { kind: 'UNFIT'; taskId: string; token: number; failure: Trouble }
  /** What was found out about a submission whose answer was lost. */
  | { kind: 'RECOVERED'; taskId: string; submissionId: string; report: Extract<RecoverReport, SubmitReport> }
  | { kind: 'ABANDONED'; taskId: string }
  | { kind: 'POLLED'; taskId: string; token: number; pollCount: number; report: PollReport; resultTtlSeconds: number }
  | { kind: 'STORED'; taskId: string; token: number; assetId: string; facts: StoredFacts }
  | { kind: 'LOST'; taskId: string; token: number; assetId: string; failure: Trouble }
  /** Where an image should be there was none: its URL has died, or serves something else. */
  | { kind: 'NOT_THERE'; taskId: string; token: number; assetId: string }
  | {
      kind: 'REFRESHED';
      taskId: string;
      token: number;
      images: ReportedImage[];
      staleIds: readonly string[];
      resultTtlSeconds: number;
    }
  /** `blameless`: what stood in the way was not the task's fault, and the try does not count. */
  | { kind: 'DELAYED'; taskId: string; token: number; delayMs: number; blameless?: boolean }
  /** With the lease where a worker says it of a task it holds; `images` are there already, before others. */
  | { kind: 'TIME_UP'; taskId: string; token?: number; images?: ReportedImage[] }
  | { kind: 'CANCEL'; taskId: string }
  /** Of a task that was over before its provider was done. */
  | { kind: 'SETTLED'; taskId: string; token: number; report: PollReport; resultTtlSeconds: number }
  /** By an operator. */
  | { kind: 'RESOLVED'; taskId: string; billed: boolean };
