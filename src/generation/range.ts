import { Fault } from '../fault.ts';

const MOST_A_PAGE = 100;

/** Throws a Fault for a page of more or fewer than 1 to 100. */
export function checkPageSize(argument: string, size: number): void {
  checkRange(argument, size, 1, MOST_A_PAGE);
}

/** Throws a Fault unless the value is from `least` to `most`. */
export function checkRange(argument: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  const allowed = `${least} to ${most}`;
  throw new Fault('BAD_USER_INPUT', `${argument} must be from ${allowed}.`, argument, [allowed]);
}
