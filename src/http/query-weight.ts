import {
  type DefinitionNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  type InlineFragmentNode,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { introspectionSizes, wholeIntrospection } from './introspection-weight.ts';

/** generations → edges → node → tasks → provider → models → model → name is 8; going round a cycle once still fits. */
export const MAX_DEPTH = 15;
/** Images and tasks of a generation are mostly one to four. */
const LIST_SIZE = 4;
/** The longest page, and what `nodes` takes: what a variable holds is not known before execution. */
const UNKNOWN_SIZE = 100;
/** What a page gives that was not told its size and whose `first` has no default. */
const DEFAULT_PAGE_SIZE = 20;
/** Arguments whose list is as long as the answer. */
const LIST_ARGUMENTS = new Set(['Query.nodes(ids)', 'Mutation.createGenerations(inputs)']);
/** Lists whose length the field above has counted by its arguments. */
const COUNTED_LISTS = new Set([
  'GenerationConnection.edges',
  'EventConnection.edges',
  'CreateGenerationsPayload.results',
]);

/** An honest tool asks for the whole schema once, and a person looks something up beside it. */
const INTROSPECTIONS = 2;

export type Root = OperationDefinitionNode | FragmentDefinitionNode;

export interface Weight {
  /** Fields of the answer, as estimated. */
  cost: number;
  /** Fields and inline fragments within each other, without introspection: graphql-js bounds that by itself. */
  depth: number;
  /** Fields of the answer that describe the schema; they are not in `cost`. */
  introspection: number;
}

const NOTHING: Weight = { cost: 0, depth: 0, introspection: 0 };

/**
 * The weights of all operations, and of fragments that none of them spreads. A fragment is weighed once, however often
 * it is spread; in a cycle, which is no valid document, as nothing.
 */
export function weigh(roots: readonly Root[], context: ValidationContext) {
  const schema = context.getSchema();
  const sizeInIntrospection = introspectionSizes(schema);
  const fragments = new Map<string, Weight>();
  const operations = roots.filter((root) => root.kind === Kind.OPERATION_DEFINITION);
  const weights = operations.map((root) => weighAll(root.selectionSet, schema.getRootType(root.operation)?.name, 1));
  const unused = roots.filter((root) => root.kind === Kind.FRAGMENT_DEFINITION && !fragments.has(root.name.value));
  return [...weights, ...unused.map((root) => weighFragment(root.name?.value ?? ''))];

  function weighAll(set: SelectionSetNode | undefined, type: string | undefined, level: number): Weight {
    // Deep enough to be refused, and no deeper: the stack has an end too.
    if (!set || level > MAX_DEPTH + 1) return NOTHING;
    let { cost, depth, introspection } = NOTHING;
    for (const selection of set.selections) {
      const weight = weighOne(selection, type, level);
      cost += weight.cost;
      depth = Math.max(depth, weight.depth);
      introspection += weight.introspection;
    }
    return { cost, depth, introspection };
  }

  function weighOne(
    node: FieldNode | InlineFragmentNode | FragmentSpreadNode,
    type: string | undefined,
    level: number,
  ): Weight {
    if (node.kind === Kind.FIELD) return weighField(node, type, level);
    if (node.kind === Kind.FRAGMENT_SPREAD) return weighFragment(node.name.value);
    const weight = weighAll(node.selectionSet, node.typeCondition?.name.value ?? type, level + 1);
    return { ...weight, depth: weight.depth + 1 };
  }

  function weighFragment(name: string): Weight {
    const known = fragments.get(name);
    if (known) return known;
    fragments.set(name, NOTHING);
    const fragment = context.getFragment(name);
    const weight = weighAll(fragment?.selectionSet, fragment?.typeCondition.name.value, 1);
    fragments.set(name, weight);
    return weight;
  }

  function weighField(node: FieldNode, parent: string | undefined, level: number): Weight {
    const name = node.name.value;
    if (name === '__schema' || name === '__type') {
      const { cost } = weighAll(node.selectionSet, name === '__type' ? '__Type' : '__Schema', 1);
      return { cost: 1, depth: 1, introspection: 1 + cost };
    }
    const type = parent === undefined ? undefined : schema.getType(parent);
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
    const { cost, depth, introspection } = weighAll(
      node.selectionSet,
      field && getNamedType(field.type).name,
      level + 1,
    );
    const isList = isListType(field && getNullableType(field.type));
    const first = field?.args.find((argument) => argument.name === 'first');
    const page = first && Number(first.defaultValue ?? DEFAULT_PAGE_SIZE);
    const coordinate = `${parent}.${name}`;
    const size = sizeInIntrospection(coordinate) ?? sizeOf(node, coordinate, isList, page);
    return { cost: 1 + cost * size, depth: depth + 1, introspection };
  }
}

/** What `introspection` may be; computed once per schema. */
export function mostIntrospection(schema: GraphQLSchema): number {
  const known = mosts.get(schema);
  if (known !== undefined) return known;
  const { document, context } = wholeIntrospection(schema);
  const weights = weigh(document.definitions.filter(isExecutable), context);
  const most = INTROSPECTIONS * weights.reduce((sum, each) => sum + each.introspection, 0);
  mosts.set(schema, most);
  return most;
}

const mosts = new WeakMap<GraphQLSchema, number>();

export function isExecutable(node: DefinitionNode): node is Root {
  return node.kind === Kind.OPERATION_DEFINITION || node.kind === Kind.FRAGMENT_DEFINITION;
}

/** How often the children of a field may be in the answer. */
function sizeOf(node: FieldNode, coordinate: string, isList: boolean, page: number | undefined): number {
  const values = new Map(node.arguments?.map(({ name, value }) => [name.value, value]));
  if (page !== undefined) {
    const asked = [values.get('first'), values.get('last')].filter((value) => value && value.kind !== Kind.NULL);
    const sizes = asked.map((value) => (value?.kind === Kind.INT ? Math.max(1, Number(value.value)) : UNKNOWN_SIZE));
    return sizes.length > 0 ? Math.max(...sizes) : page;
  }
  for (const [name, value] of values) {
    if (!LIST_ARGUMENTS.has(`${coordinate}(${name})`)) continue;
    if (value.kind === Kind.VARIABLE) return UNKNOWN_SIZE;
    return value.kind === Kind.LIST ? Math.max(1, value.values.length) : 1;
  }
  return isList && !COUNTED_LISTS.has(coordinate) ? LIST_SIZE : 1;
}
