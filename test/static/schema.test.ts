import {
  buildSchema,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';

test('schema.graphql is what the code serves (vitest -u writes it)', async () => {
  await expect(`${printSchema(lexicographicSortSchema(schema))}\n`).toMatchFileSnapshot('../../schema.graphql');
});

test('every type, directive, field, argument and value is described, and in more words than its name', () => {
  expect(listUndescribed(schema)).toEqual([]);
});

test('whatever has no description, or only its own name for one, is found', () => {
  const bare = buildSchema(`
    directive @shiny(much: Int) on FIELD_DEFINITION
    scalar Url
    union Thing = Query | Subscription
    interface Named { name(short: Boolean): String }
    enum Shade { "Red." RED GREY_BLUE }
    input Wish { "The prompt." prompt: String }
    "What can be read."
    type Query { "A generation" generation: Int "How many there are." count("Of which shade." of: Shade, by: Wish): Int }
    type Subscription { news: Thing named: Named url: Url }`);
  expect(listUndescribed(bare).sort()).toEqual([
    '@shiny',
    '@shiny(much)',
    'Named',
    'Named.name',
    'Named.name(short)',
    'Query.count(by)',
    'Query.generation',
    'Shade',
    'Shade.GREY_BLUE',
    'Shade.RED',
    'Subscription',
    'Subscription.named',
    'Subscription.news',
    'Subscription.url',
    'Thing',
    'Url',
    'Wish',
    'Wish.prompt',
  ]);
});

interface Part {
  coordinate: string;
  name: string;
  description?: string | null | undefined;
}

function listUndescribed(schema: GraphQLSchema): string[] {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  const directives = schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive));
  return [
    ...types.flatMap(partsOf),
    ...directives.flatMap((directive) => withArgs(`@${directive.name}`, directive, directive.args)),
  ]
    .filter(({ name, description }) => saysNothing(name, description ?? ''))
    .map(({ coordinate }) => coordinate);
}

function partsOf(type: GraphQLNamedType): Part[] {
  const own: Part = { coordinate: type.name, name: type.name, description: type.description };
  return [own, ...membersOf(type)];
}

function membersOf(type: GraphQLNamedType): Part[] {
  if (isEnumType(type)) return type.getValues().flatMap((value) => withArgs(`${type.name}.${value.name}`, value, []));
  if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return [];
  return Object.values(type.getFields()).flatMap((field) =>
    withArgs(`${type.name}.${field.name}`, field, 'args' in field ? field.args : []),
  );
}

function withArgs(
  coordinate: string,
  part: Omit<Part, 'coordinate'>,
  args: readonly Omit<Part, 'coordinate'>[],
): Part[] {
  const arg = ({ name, description }: Omit<Part, 'coordinate'>) => ({
    coordinate: `${coordinate}(${name})`,
    name,
    description,
  });
  return [{ coordinate, name: part.name, description: part.description }, ...args.map(arg)];
}

/** Nothing at all, a single word, or the name again. */
function saysNothing(name: string, description: string): boolean {
  const bare = (text: string) =>
    text
      .replace(/^(a|an|the) /i, '')
      .replaceAll(/[^a-z0-9]/gi, '')
      .toLowerCase();
  return !/\S\s+\S/.test(description.trim()) || bare(description) === bare(name);
}
