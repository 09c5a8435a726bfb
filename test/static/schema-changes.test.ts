import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { listChanges, readLastRelease } from './schema-changes.ts';

test('nothing is taken from the clients of the last release that was not announced in it', async () => {
  const current = buildSchema(readFileSync('schema.graphql', 'utf8'));
  const changes = await listChanges(readLastRelease().schema, current);
  expect(changes.filter((change) => change.class === 'breaking')).toEqual([]);
});

describe('each change has its class:', () => {
  const RELEASED = `
    type Query { old: Int @deprecated(reason: "Use new.") mute: Int @deprecated new(a: Int, b: Int @deprecated(reason: "Of no use.")): Int
      last: Gone @deprecated(reason: "Nothing is gone.") kept: Kept shade(of: Shade, in: In): Int }
    type Gone implements Named { name: String } type Kept implements Named { name: String } interface Named { name: String }
    enum Shade { RED GREY @deprecated(reason: "It is not one.") }
    input In { x: Int y: Int @deprecated(reason: "Only x is read.") }
    type Subscription { news: Int }`;

  test.each<[what: string, from: string | RegExp, to: string, expected: string[]]>([
    ['nothing', '', '', []],
    ['a field is removed', 'kept: Kept ', '', ['breaking FIELD_REMOVED Query.kept']],
    ['a field that was deprecated is removed', /old: .*?\) /, '', ['announced FIELD_REMOVED Query.old']],
    [
      'a field that was deprecated without a reason is removed',
      'mute: Int @deprecated ',
      '',
      ['breaking FIELD_REMOVED Query.mute'],
    ],
    [
      'a field of a subscription is removed',
      'news: Int',
      'other: Int',
      ['breaking FIELD_REMOVED Subscription.news', 'safe FIELD_ADDED Subscription.other'],
    ],
    ['a field changes its type', 'news: Int', 'news: String', ['breaking FIELD_TYPE_CHANGED Subscription.news']],
    ['a field is added', 'news: Int', 'news: Int more: Int', ['safe FIELD_ADDED Subscription.more']],
    [
      'an argument becomes required',
      'new(a: Int,',
      'new(a: Int!,',
      ['breaking FIELD_ARGUMENT_TYPE_CHANGED Query.new.a'],
    ],
    ['an argument is removed', 'a: Int, ', '', ['breaking FIELD_ARGUMENT_REMOVED Query.new.a']],
    [
      'an argument that was deprecated is removed',
      /, b: .*?\)(?=\))/,
      '',
      ['announced FIELD_ARGUMENT_REMOVED Query.new.b'],
    ],
    ['a required argument is added', 'new(', 'new(c: Int!, ', ['breaking FIELD_ARGUMENT_ADDED Query.new.c']],
    ['an enum value is added', 'RED', 'RED BLUE', ['dangerous ENUM_VALUE_ADDED Shade.BLUE']],
    ['an enum value is removed', 'RED ', '', ['breaking ENUM_VALUE_REMOVED Shade.RED']],
    ['an enum value that was deprecated is removed', / GREY.*\)/, '', ['announced ENUM_VALUE_REMOVED Shade.GREY']],
    ['an input field is removed', 'x: Int ', '', ['breaking INPUT_FIELD_REMOVED In.x']],
    ['an input field that was deprecated is removed', / y: .*\)/, '', ['announced INPUT_FIELD_REMOVED In.y']],
    ['a required input field is added', 'x: Int', 'x: Int z: Int!', ['breaking INPUT_FIELD_ADDED In.z']],
    [
      'an interface is taken from a type',
      'Kept implements Named',
      'Kept',
      ['breaking OBJECT_TYPE_INTERFACE_REMOVED Kept'],
    ],
    [
      'a type goes with the deprecated field that led to it',
      /last: .*?\) (.*)type Gone.*?}/s,
      '$1',
      ['announced TYPE_REMOVED Gone', 'announced FIELD_REMOVED Query.last'],
    ],
    [
      'a type goes with a field that was not deprecated',
      /kept: Kept (.*)type Kept.*?}/s,
      '$1',
      ['breaking TYPE_REMOVED Kept', 'breaking FIELD_REMOVED Query.kept'],
    ],
    [
      'an interface is taken from a type on its way out',
      'Gone implements Named',
      'Gone',
      ['breaking OBJECT_TYPE_INTERFACE_REMOVED Gone'],
    ],
    [
      'an input becomes one of several',
      'input In',
      'input In @oneOf',
      ['breaking DIRECTIVE_USAGE_INPUT_OBJECT_ADDED In.@oneOf'],
    ],
    ['a default changes', 'new(a: Int,', 'new(a: Int = 3,', ['dangerous FIELD_ARGUMENT_DEFAULT_CHANGED Query.new.a']],
    [
      'a field is deprecated',
      'news: Int',
      'news: Int @deprecated(reason: "Old.")',
      [
        'safe FIELD_DEPRECATION_ADDED Subscription.news.@deprecated',
        'safe DIRECTIVE_USAGE_FIELD_DEFINITION_ADDED Subscription.news.@deprecated',
        'safe DIRECTIVE_USAGE_ARGUMENT_ADDED Subscription.news.@deprecated.reason',
      ],
    ],
  ])('%s', async (_what, from, to, expected) => {
    const changed = RELEASED.replace(from, to);
    expect(changed === RELEASED).toBe(expected.length === 0);
    const changes = await listChanges(buildSchema(RELEASED), buildSchema(changed));
    expect(changes.map(({ class: kind, type, path }) => `${kind} ${type} ${path}`)).toEqual(expected);
  });
});
