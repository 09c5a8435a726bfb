import { Fault } from '../fault.ts';
import { resolveTask } from '../generation/resolve.ts';
import { builder } from './builder.ts';
import { UserError } from './user-errors.ts';

const ResolveTaskPayload = builder.objectRef<Awaited<ReturnType<typeof resolveTask>>>('ResolveTaskPayload').implement({
  description: 'The task as it now stands, or why there is nothing to settle.',
  fields: (t) => ({
    task: t.field({
      type: 'Task',
      nullable: true,
      description: 'As it now stands; null when there is none.',
      resolve: ({ task }) => task,
    }),
    errors: t.field({
      type: [UserError],
      description: 'Empty when it is settled as you say, now or before.',
      resolve: (resolved) => (resolved.ok ? [] : resolved.errors),
    }),
  }),
});

builder.mutationField('resolveTask', (t) =>
  t.field({
    type: ResolveTaskPayload,
    description:
      "An operator settles what no program can: whether an UNCERTAIN or lost task was billed. An UNCERTAIN one fails as OUTCOME_UNKNOWN with that answer; one that is over and says `billed: UNKNOWN` keeps its status and gets it. Orders and cancels nothing at the provider. The same answer twice is no error; another one than is known is INVALID_INPUT. Needs the scope ADMIN (top-level FORBIDDEN without), in the task's own mode.",
    args: {
      id: t.arg.id({ required: true, description: 'Of the task, tsk_….' }),
      billed: t.arg.boolean({
        required: true,
        description:
          'What the provider says of it, in its console or on its bill. Only what you know: it is booked as certain.',
      }),
    },
    resolve: (_root, { id, billed }, { domain, caller }) => {
      if (!caller.scopes.includes('ADMIN'))
        throw new Fault('FORBIDDEN', 'resolveTask needs a key with the scope ADMIN.');
      return resolveTask(domain, caller, id, billed);
    },
  }),
);
