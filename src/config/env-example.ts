import { VARIABLES } from './variables.ts';

/** The text of `.env.example`: every variable, commented out, with its default and what it means. */
export function envExample(): string {
  const head = '# Every variable is optional. A line without a value shows a variable that is unset by default.\n';
  const entries = Object.entries(VARIABLES).map(
    ([name, { about, default: fallback }]) => `\n# ${about}\n#${name}=${fallback ?? ''}\n`,
  );
  return head + entries.join('');
}
