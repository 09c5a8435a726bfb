import { type DocumentNode, GraphQLError, Kind, type OperationDefinitionNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { chooseFormat } from './accept.ts';

/** How much of a name is repeated to whoever sent it. */
const NAME_LENGTH = 80;

/** Refuses what no transport, or not this one, can answer, before any of it runs. */
export const oneOperation: Plugin = {
  onParse({ context }) {
    return ({ result }) => {
      if (!isDocument(result)) return;
      const operation = getOperation(result, context.params?.operationName);
      // A WebSocket has no request of its own for each operation.
      if (context.request) refuseOverHttp(operation, context.request);
    };
  },
};

function isDocument(result: unknown): result is DocumentNode {
  return typeof result === 'object' && result !== null && 'definitions' in result;
}

function getOperation({ definitions }: DocumentNode, wanted: unknown): OperationDefinitionNode {
  if (wanted != null && typeof wanted !== 'string') {
    throw fault('operationName must be a text.', { argument: 'operationName', http: { status: 400 } });
  }
  const operations = definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const found = operations.filter(({ name }) => !wanted || name?.value === wanted);
  if (found[0] && (found.length === 1 || wanted)) return found[0];
  const names = operations.map(({ name }) => name?.value ?? 'an operation without a name');
  if (names.length === 0) throw fault('The document has no operation; send a query, a mutation or a subscription.');
  const why = wanted ? `has no operation ${clip(JSON.stringify(wanted))}` : 'has several operations';
  throw fault(`The document ${why}; set operationName to one of its own.`, {
    argument: 'operationName',
    allowed: names.slice(0, 20).map(clip),
  });
}

function refuseOverHttp({ operation }: OperationDefinitionNode, { headers }: Request): void {
  if (chooseFormat(headers.get('accept'), operation === 'subscription')) return;
  const formats =
    operation === 'subscription'
      ? 'text/event-stream or multipart/mixed;subscriptionSpec=1.0, or subscribe over WebSocket'
      : 'application/graphql-response+json or application/json';
  throw fault(`Nothing that this ${operation} can be answered with is in the Accept header; send Accept: ${formats}.`, {
    http: { status: 406 },
  });
}

function fault(message: string, extensions: Record<string, unknown> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', ...extensions } });
}

function clip(text: string): string {
  return text.length > NAME_LENGTH ? `${text.slice(0, NAME_LENGTH)}…` : text;
}
