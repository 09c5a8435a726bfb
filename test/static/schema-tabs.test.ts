import { type GraphQLError, NoDeprecatedCustomRule, parse, specifiedRules, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { KEY, TABS } from '../../src/http/graphiql/tabs.ts';
import { QueryLimitsRule } from '../../src/http/query-limits.ts';

test.each(TABS.map(({ query }) => [/^(?:mutation|query|subscription) (\w+)/m.exec(query)?.[1], query]))(
  'the prepared tab %s fits the schema and its limits, says what it is, and fits into the editor',
  (_name, query = '') => {
    expect(validate(schema, parse(query), [...specifiedRules, QueryLimitsRule])).toEqual([]);
    expect(query).toMatch(/^# \w/);
    expect(
      query
        .replaceAll(KEY, 'visit-0123456789')
        .split('\n')
        .filter((line) => line.length > 57),
    ).toEqual([]);
  },
);

test('a tab asks for nothing that is deprecated', () => {
  const deprecated = TABS.flatMap(({ query }) => validate(schema, parse(query), [NoDeprecatedCustomRule]));
  expect(deprecated.map((error: GraphQLError) => error.message)).toEqual([]);
});
