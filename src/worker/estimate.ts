import type { PollReport } from '../generation/provider-report.ts';
import type { Standing } from '../generation/standing.ts';

/** What an estimate comes close to and never reaches. */
const CEILING = 95;
/** At the usual age it stands at 78 percent of that: some take longer. */
const STEEPNESS = 1.5;
/** In percent: what an estimate is rounded down to, so that a task writes twenty of them at most. */
const STEP = 5;
/** Of the usual age: one that still waits then is estimated as well, since the usual wait is part of it. */
const LONG_PENDING = 0.25;

/** How far a task should be at its age, by how long those before it took; null without history. It rises with the age. */
export function estimatePercent(ageMs: number, standing: Pick<Standing, 'p50Seconds'> | undefined): number | null {
  const usualMs = usualMsOf(standing);
  if (usualMs === null) return null;
  const percent = CEILING * (1 - Math.exp((-STEEPNESS * Math.max(ageMs, 0)) / usualMs));
  return Math.floor(percent / STEP) * STEP;
}

/** The same report, with an estimate where the provider says only that it is at it, or not yet. */
export function withEstimate(
  report: PollReport,
  ageMs: number,
  standing: Pick<Standing, 'p50Seconds'> | undefined,
): PollReport {
  const percent = estimatePercent(ageMs, standing);
  if (percent === null) return report;
  if (report.kind === 'RUNNING' && report.percent === null) return { ...report, percent, basis: 'ESTIMATED' };
  if (report.kind === 'PENDING' && ageMs >= LONG_PENDING * (usualMsOf(standing) ?? 0)) return { ...report, percent };
  return report;
}

function usualMsOf(standing: Pick<Standing, 'p50Seconds'> | undefined): number | null {
  const seconds = standing?.p50Seconds ?? 0;
  return seconds > 0 ? seconds * 1000 : null;
}
