import type { PollReport } from '../generation/provider-report.ts';
import { type PollAge, setAsideMs } from '../generation/schedule.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';

/** A provider that says nothing of it may have finished it: this many times it is asked past the deadline. */
const SILENCES_AFTER_THE_DEADLINE = 3;
/** An end that lists fewer images than were asked for is believed once the list has not grown for so many slow polls. */
const QUIET_POLLS = 4;
/** However often a provider calls, it is not asked more often than this. */
const LEAST_BETWEEN_NUDGES_MS = 1_000;

/**
 * A task whose lease this worker holds, and when to ask about it next: kept in memory only. All its times are the
 * database's, since a task's deadline is.
 */
export class Held {
  task: Task;
  readonly providerTaskId: string;
  readonly provider: Provider;
  pollCount: number;
  /** Answers in a row that said nothing about the task. */
  silences = 0;
  private missing = 0;
  /** The end that lists fewer images than were asked for: how many, and since when no more. */
  private shortEnd: { count: number; since: number } | null = null;
  private saidPercent = false;
  private lastOddity: string | null = null;
  private readonly now: () => number;
  private readonly heldSince: number;
  /** When to ask next; never, while an answer is awaited. */
  dueAt: number;
  private askedAt = 0;
  private lateSilences = 0;
  /** Nudged while an answer was awaited, which may be from before the news. */
  private nudged = false;

  constructor(task: Task, providerTaskId: string, provider: Provider, now: () => number) {
    this.task = task;
    this.providerTaskId = providerTaskId;
    this.provider = provider;
    this.pollCount = task.pollCount;
    this.now = now;
    this.heldSince = now();
    // A task that was polled before comes from another worker: nobody knows when it was last asked about.
    this.dueAt = this.heldSince + (task.status === 'ACCEPTED' && task.tries <= 1 ? provider.pollSchedule.firstMs : 0);
  }

  get workspaceId(): string {
    return this.task.workspaceId;
  }

  /** Whether so many workers that held it came to no end that it may be what ends them. */
  get isSuspect(): boolean {
    return setAsideMs(this.task.tries) > 0;
  }

  /** While an answer is awaited the task is not due. */
  asked(): void {
    this.dueAt = Number.POSITIVE_INFINITY;
    this.nudged = false;
    this.askedAt = this.now();
    this.pollCount += 1;
  }

  /** Not later than its deadline, for a last look. */
  schedule(delayMs: number): void {
    const untilDeadline = this.task.deadlineAt.getTime() - this.now();
    this.dueAt = this.now() + (untilDeadline > 0 ? Math.min(delayMs, untilDeadline) : delayMs);
    if (this.nudged) this.nudge();
  }

  /** Whether it may be asked about before it is due, with others. What is backed off from waits half of its time at least. */
  mayJoin(): boolean {
    return this.silences === 0 || this.now() >= (this.askedAt + this.dueAt) / 2;
  }

  /** Its provider says that there is news: it is due as soon as it may be. A provider that falls silent is not hurried. */
  nudge(): void {
    if (this.dueAt === Number.POSITIVE_INFINITY) this.nudged = true;
    else if (this.silences === 0) this.dueAt = Math.min(this.dueAt, this.askedAt + LEAST_BETWEEN_NUDGES_MS);
  }

  /** Whether to give it up: its deadline had passed when it was asked about, and the provider has not finished it. */
  isTooLate(report: PollReport): boolean {
    if (this.askedAt < this.task.deadlineAt.getTime()) return false;
    if (report.kind === 'PENDING' || report.kind === 'RUNNING') return true;
    if (report.kind !== 'SILENT' && report.kind !== 'MISSING') return false;
    this.lateSilences += 1;
    return this.lateSilences >= SILENCES_AFTER_THE_DEADLINE;
  }

  age(silences: number, retryAfterMs: number | null): PollAge {
    return { ageMs: this.ageMs(), silences, retryAfterMs, awaitsCallback: this.task.awaitsCallback };
  }

  ageMs(): number {
    return Math.max(0, this.now() - (this.task.acceptedAt?.getTime() ?? this.heldSince));
  }

  /** Counts what says nothing, and believes the provider that does not know the task once it has said so often enough. */
  hear(report: PollReport, missingUntilLost: number): PollReport {
    this.silences = report.kind === 'SILENT' || report.kind === 'MISSING' ? this.silences + 1 : 0;
    if (report.kind === 'RUNNING' && report.percent !== null) this.saidPercent = true;
    if (report.kind !== 'SILENT') this.missing = report.kind === 'MISSING' ? this.missing + 1 : 0;
    const early = this.tooEarly(report);
    if (early) return early;
    if (report.kind !== 'MISSING' || this.missing < missingUntilLost) return report;
    return { kind: 'FAILED', failure: report.failure };
  }

  /** In the place of an end that lists fewer than were asked for, of a provider whose lists grow: what is there so far. */
  private tooEarly(report: PollReport): PollReport | null {
    const { imageCount, request } = this.task;
    const { resultsLag, pollSchedule } = this.provider;
    if (!resultsLag || imageCount === 1 || request.series) return null;
    if (report.kind === 'RUNNING' || report.kind === 'PENDING') this.shortEnd = null;
    if (report.kind !== 'FINISHED' && report.kind !== 'FAILED') return null;
    const [images, failed] = report.kind === 'FINISHED' ? [report.images, report.undelivered ?? []] : [[], [report]];
    const count = images.length + failed.length;
    if (count >= imageCount) return null;
    // However often it is looked at meanwhile: each callback brings a look.
    if (!this.shortEnd || count > this.shortEnd.count) this.shortEnd = { count, since: this.now() };
    if (this.now() - this.shortEnd.since >= QUIET_POLLS * pollSchedule.slowMs) return null;
    return { kind: 'RUNNING', percent: null, etaSeconds: null, ...(images.length > 0 && { images }) };
  }

  /** Whether its progress may be estimated: not where its provider has told it, or will as soon as it begins. */
  mayBeEstimated({ kind }: PollReport): boolean {
    const model = this.provider.models.find((each) => each.model === this.task.request.model);
    return !this.saidPercent && !(kind === 'PENDING' && model?.progress === 'REPORTED');
  }

  /** Whether this oddity is another one than the last: each is recorded once, not at every poll. */
  isOdd(oddity: string | null): boolean {
    if (oddity === null || oddity === this.lastOddity) return false;
    this.lastOddity = oddity;
    return true;
  }
}
