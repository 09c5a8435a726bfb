import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PROVIDER_SLUGS } from './provider-slugs.ts';

const FIELDS = 'provider, model, from, amount and currency, and nothing else';

const listedPrice = z.strictObject(
  {
    provider: z.enum(PROVIDER_SLUGS, `a "provider" of ${PROVIDER_SLUGS.join(', ')}`),
    /** Our slug of the model. */
    model: z.string('a "model" such as "seedream-5.0-lite"'),
    /** UTC. */
    from: z.iso.date('a day as "from", such as "2026-01-31"'),
    /** Text, so that no digit is lost. */
    amount: z.string('an "amount" as text, such as "0.035"').regex(/^\d{1,9}(\.\d{1,12})?$/, {
      error: 'an "amount" as text, such as "0.035"',
    }),
    /** ISO 4217. */
    currency: z.string('a "currency" such as "USD"').regex(/^[A-Z]{3}$/, 'a "currency" such as "USD"'),
  },
  FIELDS,
);

/** What one image of a model costs at a provider from a day on. */
export type ListedPrice = z.infer<typeof listedPrice>;

/** Reads the file that PRICES_FILE names: a JSON list of prices. */
export const pricesFile = z.string().transform((path, context): ListedPrice[] => {
  const { prices, faults } = read(path);
  for (const message of faults) context.addIssue({ code: 'custom', message });
  return prices;
});

function read(path: string): { prices: ListedPrice[]; faults: string[] } {
  const list = readList(path);
  if (typeof list === 'string') return { prices: [], faults: [list] };
  const prices: ListedPrice[] = [];
  const faults: string[] = [];
  const days = new Set<string>();
  for (const [index, entry] of list.entries()) {
    const { data, error } = listedPrice.safeParse(entry);
    const needed = new Set(error?.issues.map(({ message }) => message));
    faults.push(...[...needed].map((message) => `needs in entry ${index + 1} ${message}`));
    if (!data) continue;
    const day = `${data.provider}, ${data.model} and ${data.from}`;
    if (days.has(day)) faults.push(`has two entries for ${day}`);
    days.add(day);
    prices.push(data);
  }
  return { prices, faults };
}

/** What the file holds, or what is wrong with it. */
function readList(path: string): unknown[] | string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return `names a file that cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  try {
    const held: unknown = JSON.parse(text);
    return Array.isArray(held) ? held : 'must name a file that holds a JSON list';
  } catch {
    return 'must name a file that holds JSON';
  }
}
