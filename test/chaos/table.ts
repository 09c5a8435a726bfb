import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import type { Records } from './records.ts';
import type { ProviderTally, Tally } from './tally.ts';

/** The kinds of blows of one campaign and how often each fell. */
export function describeStrikes({ counts, missed }: Outcome): string {
  const lines = [...counts].sort().map(([name, times]) => `  ${name.padEnd(20)}${String(times).padStart(4)}`);
  return ['kills', ...lines, ...(missed.length > 0 ? [`  nobody came to: ${missed.join(', ')}`] : [])].join('\n');
}

/** One row a campaign. */
export function describeTallies(rows: readonly (Tally & { seed: number; seconds: number })[]): string {
  return describeRows(rows.map((row) => ({ ...row, seconds: Math.round(row.seconds) })));
}

/** One row a provider. */
export function describeProviders(rows: readonly ProviderTally[]): string {
  return describeRows(rows.map((row) => ({ ...row })));
}

function describeRows(rows: readonly Record<string, string | number>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => String(row[column])));
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (texts: readonly string[]) => texts.map((text, i) => text.padStart(widths[i] ?? 0)).join('  ');
  return [line(columns), ...cells.map(line)].join('\n');
}

/** A fault with all the rows that it is about. */
export function describeFault({ kind, generationId, why }: Fault, records: Records): string {
  const head = `${kind.toUpperCase()}: ${why}`;
  if (generationId === null) return head;
  const mine = <T extends { generationId: string }>(rows: readonly T[]) =>
    rows.filter((row) => row.generationId === generationId);
  const generation = records.generations.find(({ id }) => id === generationId);
  const rows = [
    generation,
    ...mine(records.tasks),
    ...mine(records.assets),
    ...records.jobs.filter(({ prompt }) => prompt === generation?.prompt),
    ...mine(records.events).map((event) =>
      [event.version, event.type, event.status, event.percent, event.taskStatus].join(' '),
    ),
  ];
  return [head, ...rows.map((row) => `  ${JSON.stringify(row)}`)].join('\n');
}
