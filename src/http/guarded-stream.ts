import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { CredentialFault } from '../workspace/authenticate.ts';
import type { Caller } from '../workspace/caller.ts';
import type { OpenConnections } from './open-connections.ts';
import { subscribe } from './subscribe.ts';

/**
 * A subscription that is a connection of its own: it is counted until it ends, and one whose key is revoked or has
 * expired ends with that as its last message.
 */
export async function subscribeGuarded(args: ExecutionArgs, caller: Caller, connections: OpenConnections) {
  let expel = (_fault: CredentialFault): void => {};
  const leave = connections.enter('stream', caller, (fault) => expel(fault));
  try {
    const messages = await subscribe(args);
    if (!(Symbol.asyncIterator in messages)) {
      leave();
      return messages;
    }
    const guarded = endWith(messages, leave);
    expel = (fault) => guarded.end({ errors: [new GraphQLError(fault.message, { originalError: fault })] });
    return guarded.messages;
  } catch (error) {
    leave();
    throw error;
  }
}

function endWith(source: AsyncIterator<ExecutionResult>, leave: () => void) {
  let last: ExecutionResult | null = null;
  const stop = async (): Promise<IteratorResult<ExecutionResult>> => {
    leave();
    await source.return?.();
    return { value: undefined, done: true };
  };
  const messages: AsyncIterableIterator<ExecutionResult> = {
    async next() {
      const given = await source.next();
      if (last) {
        const value = last;
        last = null;
        return { value, done: false };
      }
      if (given.done) leave();
      return given;
    },
    return: stop,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return {
    messages,
    /** Ends the source, which wakes whoever waits for its next message. */
    end(message: ExecutionResult): void {
      last = message;
      void stop();
    },
  };
}
