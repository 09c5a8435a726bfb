import type { ProviderOptions } from '../generation/provider-request.ts';
import { builder } from './builder.ts';
import { PromptOptimizationEnum } from './enums.ts';

const RunwareOptionsInput = builder.inputType('RunwareOptionsInput', {
  description: 'What only Runware takes.',
  fields: (t) => ({
    optimizePrompt: t.field({
      type: PromptOptimizationEnum,
      description: "How the prompt is rewritten. None: Runware's own default, STANDARD.",
    }),
    ttlSeconds: t.int({
      description: 'How long Runware keeps its own copies of the images, in seconds, 60 or more; ours stay.',
    }),
  }),
});

const ModelArkOptionsInput = builder.inputType('ModelArkOptionsInput', {
  description: 'What only BytePlus ModelArk takes.',
  fields: (t) => ({
    webSearch: t.boolean({ description: 'Whether the model may look things up on the web. None: it may not.' }),
  }),
});

export const ProviderOptionsInput = builder.inputType('ProviderOptionsInput', {
  description: 'Extras of one provider. Asking for one makes all others ineligible, under NEAREST too.',
  fields: (t) => ({
    runware: t.field({ type: RunwareOptionsInput, description: 'Only Runware is asked then.' }),
    modelark: t.field({ type: ModelArkOptionsInput, description: 'Only BytePlus ModelArk is asked then.' }),
  }),
});

/** Null where nothing is asked for: an object without a wish in it is none. */
export function toOptions(input: typeof ProviderOptionsInput.$inferInput | null | undefined): ProviderOptions | null {
  const { optimizePrompt = null, ttlSeconds = null } = input?.runware ?? {};
  const { webSearch = null } = input?.modelark ?? {};
  const runware = optimizePrompt === null && ttlSeconds === null ? null : { optimizePrompt, ttlSeconds };
  const modelark = webSearch === null ? null : { webSearch };
  return runware || modelark ? { runware, modelark } : null;
}
