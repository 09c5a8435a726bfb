const NAMES = [
  'slow',
  'fail',
  'moderated',
  'partial',
  'rate-limited',
  'no-credits',
  'lost-answer',
  'submit-500',
  'stuck',
  'expired-url',
  'bad-image',
  'huge-image',
  'late-asset',
  'odd-status',
  'no-callback',
  'double-callback',
  'lost-poll',
] as const;

export type DirectiveName = (typeof NAMES)[number];

/** What a prompt told the sandbox to do, by name; the value is empty when none was written. */
export type Directives = ReadonlyMap<DirectiveName, string>;

/** Splits a prompt into the text to draw and its `[[name]]` or `[[name=value]]` directives. */
export function readPrompt(prompt: string): { text: string; directives: Directives } {
  const directives = new Map<DirectiveName, string>();
  const text = prompt.replace(/\[\[([a-z0-9-]+)(?:=([^[\]]*))?\]\]/g, (written, name: string, value: string = '') => {
    if (!isDirective(name)) return written;
    directives.set(name, value.trim());
    return ' ';
  });
  return { text: text.replace(/\s+/g, ' ').trim(), directives };
}

/** The number written after a directive, or `otherwise` when there is none that makes sense. */
export function getNumber(directives: Directives, name: DirectiveName, otherwise: number): number {
  const written = directives.get(name);
  const number = written ? Number(written) : Number.NaN;
  return Number.isFinite(number) && number >= 0 ? number : otherwise;
}

function isDirective(name: string): name is DirectiveName {
  return (NAMES as readonly string[]).includes(name);
}
