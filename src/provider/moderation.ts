import type { Said } from './trouble.ts';

const WORDS =
  /moderat|sensitive.?(content|information)|content.?(policy|filter|violation)|policy.?violation|safety.?(check|filter|polic|system)|nsfw/i;

/** By its words, at a provider where no source says how it tells that content was blocked. */
export function soundsModerated({ code, message }: Said): boolean {
  return WORDS.test(code ?? '') || WORDS.test(message ?? '');
}
