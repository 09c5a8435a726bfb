import { GraphQLError, type ValueNode, valueFromASTUntyped } from 'graphql';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description: 'An instant as RFC 3339 text in UTC, such as 2026-11-21T13:00:00.000Z.',
  serialize: (value) => (value instanceof Date ? value.toISOString() : value),
  parseValue: (value) => {
    const instant = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : null;
    // PostgreSQL knows no year 0, and a fifth digit is no RFC 3339.
    const year = instant?.getUTCFullYear() ?? Number.NaN;
    if (instant && year >= 1 && year <= 9999) return instant;
    throw new GraphQLError('A DateTime is RFC 3339 text, such as 2026-11-21T13:00:00Z.');
  },
});

builder.scalarType('DecimalString', {
  description: 'A decimal number as text, such as "0.035", so that no digit is lost.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string' && /^\d{1,18}(\.\d{1,12})?$/.test(value)) return value;
    throw new GraphQLError('A DecimalString is a decimal number as text, such as "0.035".');
  },
});

builder.scalarType('URI', {
  description: 'A URI as text (RFC 3986). On input it is checked where it is used, so that a fault names the argument.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('A URI is text.');
  },
});

builder.scalarType('Cursor', {
  description:
    'An opaque place in a list, in the feed of events or in the life of a generation, bound to its workspace. Pass back what you were given, where it came from: the wrong kind is BAD_USER_INPUT.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('A Cursor is text that was given out earlier.');
  },
});

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node: ValueNode, variables) => valueFromASTUntyped(node, variables),
});
