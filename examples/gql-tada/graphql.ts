import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './graphql-env.d.ts';

/** The schema's own scalars are text on the wire, except JSON. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { Cursor: string; DateTime: string; DecimalString: string; JSON: unknown; URI: string };
}>();
