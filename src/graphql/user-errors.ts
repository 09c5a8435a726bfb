import type { Refusal } from '../generation/input.ts';
import type { UserError as UserErrorShape } from '../generation/user-error.ts';
import { builder } from './builder.ts';
import { getProvider } from './catalogue.ts';
import { ErrorCodeEnum } from './enums.ts';
import { Provider } from './provider.ts';

type Of<Kind extends UserErrorShape['kind']> = Extract<UserErrorShape, { kind: Kind }>;

const TYPES: Partial<Record<UserErrorShape['kind'], string>> = {
  INVALID_INPUT: 'InvalidInputError',
  UNSUPPORTED: 'UnsupportedError',
  IDEMPOTENCY_CONFLICT: 'IdempotencyConflictError',
};

export const UserError = builder.interfaceRef<UserErrorShape>('UserError').implement({
  description: 'Why a request was refused. This call stored nothing, sent nothing and bought nothing.',
  resolveType: ({ kind }) => TYPES[kind] ?? 'GenericUserError',
  fields: (t) => ({
    code: t.field({ type: ErrorCodeEnum, description: 'For programs.', resolve: ({ kind }) => kind }),
    message: t.exposeString('message', { description: 'For people: what is wrong and what to do.' }),
    path: t.exposeStringList('path', { nullable: true, description: 'The argument at fault, from the outside in.' }),
    retryable: t.boolean({
      description: 'Whether the very same request may succeed later.',
      resolve: isRetryable,
    }),
  }),
});

builder.objectRef<Of<'INVALID_INPUT'>>('InvalidInputError').implement({
  description: 'A value that is not allowed.',
  interfaces: [UserError],
  fields: (t) => ({
    allowed: t.exposeStringList('allowed', { nullable: true, description: 'What is allowed in its place.' }),
  }),
});

export const ProviderRefusal = builder.objectRef<Refusal>('ProviderRefusal').implement({
  description: 'Why one provider cannot do it.',
  fields: (t) => ({
    provider: t.field({
      type: Provider,
      description: 'Which provider.',
      resolve: ({ provider }, _args, context) => getProvider(context, provider),
    }),
    path: t.exposeStringList('path', { description: 'The argument at fault.' }),
    message: t.exposeString('message', { description: 'What stands against it.' }),
  }),
});

builder.objectRef<Of<'UNSUPPORTED'>>('UnsupportedError').implement({
  description: 'No configured provider can do it: one reason or more per provider.',
  interfaces: [UserError],
  fields: (t) => ({
    refusals: t.expose('refusals', { type: [ProviderRefusal], description: 'What each provider has against it.' }),
  }),
});

builder.objectRef<Of<'IDEMPOTENCY_CONFLICT'>>('IdempotencyConflictError').implement({
  description: 'The idempotency key was used before, for another request.',
  interfaces: [UserError],
  fields: (t) => ({
    original: t.expose('original', { type: 'Generation', description: 'What the key was used for.' }),
  }),
});

builder
  .objectRef<Of<'NO_PROVIDER_AVAILABLE' | 'COST_ABOVE_MAX' | 'NOT_FOUND' | 'NOT_CANCELABLE' | 'NOT_RETRYABLE'>>(
    'GenericUserError',
  )
  .implement({ description: 'A refusal that needs no more than its code and message.', interfaces: [UserError] });

/** Most would be refused again; a provider may be configured later, and what is unfinished will be finished. */
function isRetryable(error: UserErrorShape): boolean {
  return error.kind === 'NO_PROVIDER_AVAILABLE' || (error.kind === 'NOT_RETRYABLE' && error.later);
}
