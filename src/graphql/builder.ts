import SchemaBuilder from '@pothos/core';
import type { Money } from '../generation/money.ts';
import type {
  Adjustment,
  Asset,
  Cost,
  Failure,
  Generation,
  GenerationEvent,
  GenerationRequest,
  Slot,
  Task,
} from '../generation/types.ts';
import type { Context } from './context.ts';

/** What each type is made of, and what each scalar is in code. Every field is non-null unless it says otherwise. */
interface Types {
  Context: Context;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date | string };
    DecimalString: { Input: string; Output: string };
    URI: { Input: string; Output: string };
    Cursor: { Input: string; Output: string };
    JSON: { Input: unknown; Output: unknown };
  };
  Objects: {
    Generation: Generation;
    GenerationRequest: GenerationRequest;
    Task: Task;
    Asset: Asset;
    Event: GenerationEvent;
    Slot: Slot;
    Cost: Cost;
    Money: Money;
    Failure: Failure;
    Adjustment: Adjustment;
  };
}

export const builder = new SchemaBuilder<Types>({ defaultFieldNullability: false });

builder.queryType({
  description: 'What can be read. Everything belongs to the workspace and mode of the key that asks.',
});
builder.mutationType({ description: 'What can be changed. A refusal is data: look at `errors` of each payload.' });
builder.subscriptionType({
  description:
    'What can be watched, over WebSocket (graphql-transport-ws), Server-Sent Events or multipart (subscriptionSpec=1.0).',
});
