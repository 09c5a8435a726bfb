import { z } from 'zod';
import { PROVIDER_SLUGS, type ProviderSlug } from './provider-slugs.ts';

/** A number for some of the providers. */
export type PerProvider = Partial<Record<ProviderSlug, number>>;

const MOST = 100_000;

/** Reads `runware=4,seedance=10`: each provider at most once, with a whole number from 1 to 100000. */
export const perProvider = z.string().transform((text, context): PerProvider => {
  const numbers: PerProvider = {};
  for (const part of text.split(',')) {
    const message = part.trim() && readPart(part.trim(), numbers);
    if (message) context.addIssue({ code: 'custom', message });
  }
  return numbers;
});

/** Puts one into `numbers`, or says what is wrong with it. */
function readPart(part: string, numbers: PerProvider): string | null {
  const [, name = '', digits = ''] = /^([^=]*?)\s*=\s*(.*)$/.exec(part) ?? [];
  if (name === '') return `must be pairs such as runware=4, separated by commas, not "${part}"`;
  const slug = PROVIDER_SLUGS.find((each) => each === name);
  if (!slug) return `names "${name}", which is none of ${PROVIDER_SLUGS.join(', ')}`;
  if (numbers[slug] !== undefined) return `names ${slug} twice`;
  const number = /^\d{1,6}$/.test(digits) ? Number(digits) : 0;
  if (number < 1 || number > MOST) return `must give ${slug} a whole number from 1 to ${MOST}, not "${digits}"`;
  numbers[slug] = number;
  return null;
}
