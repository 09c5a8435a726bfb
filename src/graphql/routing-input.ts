import type { Routing } from '../generation/types.ts';
import { builder } from './builder.ts';
import { OnUncertainEnum } from './enums.ts';

export const RoutingInput = builder.inputType('RoutingInput', {
  description: 'What to do where providers differ or fail.',
  fields: (t) => ({
    onUncertain: t.field({
      type: OnUncertainEnum,
      required: true,
      defaultValue: 'WAIT',
      description: 'When a task was sent and its answer was lost. Only RESUBMIT may pay twice.',
    }),
  }),
});

export function toRouting(routing: typeof RoutingInput.$inferInput | null | undefined): Routing {
  return { onUncertain: routing?.onUncertain ?? 'WAIT' };
}
