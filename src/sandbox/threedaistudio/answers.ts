import { getPictureUrl } from '../dialect.ts';
import { getEnd, getNow, lookAt, type Moment, type Task } from '../task.ts';

/** The answer to a submit, field for field that of seed 003: there is no status. */
export function toAccepted({ id, acceptedAt }: Task) {
  return { task_id: id, created_at: new Date(acceptedAt).toISOString() };
}

/** The answer to a poll. FINISHED is said before the files can be had (providers.md §5.2). */
export function toReport(task: Task, origin: string) {
  const moment = lookAt(task, getNow());
  if (moment.phase === 'failed') {
    return { status: 'FAILED', progress: moment.progress, failure_reason: toReason(task), results: [] };
  }
  const results = Array.from({ length: moment.pictures }, (_, index) => toResult(task, index, origin));
  return { status: STATUSES[moment.phase], progress: moment.progress, failure_reason: null, results };
}

/** SIM: how long a file lags behind FINISHED; `late-asset` puts a while with no results at all before it. */
const LAG_MS = 400;

const STATUSES: Record<Exclude<Moment['phase'], 'failed'>, string> = {
  pending: 'PENDING',
  running: 'IN_PROGRESS',
  odd: 'POST_PROCESSING',
  succeeded: 'FINISHED',
};

/** SIM: all three addresses are the same file. */
function toResult(task: Task, index: number, origin: string) {
  const isThere = getNow() >= (getEnd(task) ?? Infinity) + LAG_MS;
  const address = isThere ? getPictureUrl(task, index, origin) : null;
  return { asset_url: address, asset: address, asset_type: 'IMAGE', thumbnail: address, metadata: null };
}

/** SIM: our words; `[[fail=REASON]]` puts others there. */
function toReason({ directives }: Task): string {
  if (directives.has('moderated')) return 'Content was blocked by the safety checker.';
  return directives.get('fail') || 'Image generation failed.';
}
