import {
  type ASTVisitor,
  BREAK,
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  GraphQLError,
  getNamedType,
  getNullableType,
  type InlineFragmentNode,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  type ValidationContext,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** A page with every field of the schema takes about 400; the parser's work and memory grow with each. */
const MAX_TOKENS = 10_000;
/** The schema without its cycles is 7 deep; a client that goes round once still fits. */
export const MAX_DEPTH = 15;
/** No directive of ours may be repeated, and there are fewer than that. */
export const MAX_DIRECTIVES = 8;
/** An alias repeats one costly field without nesting; a batch of 1,000 reads is what `nodes` is for. */
export const MAX_ALIASES = 1_000;
/** graphql-js compares every two fields that share a place in the answer: 1,000 objects take 300 ms, 100 take 3. */
export const MAX_REPEATS = 100;
/** A page of 100 generations with all they own fits; going round a cycle within a page does not. */
export const MAX_COST = 50_000;
/** Images and tasks of a generation are mostly one to four. */
const LIST_SIZE = 4;
/** The longest page, and what `nodes` takes: what a variable holds is not known before execution. */
const UNKNOWN_SIZE = 100;
/** What `generations` gives when neither `first` nor `last` is set. */
const DEFAULT_PAGE_SIZE = 20;
/** Arguments whose list is as long as the answer. */
const LIST_ARGUMENTS = new Set(['Query.nodes(ids)', 'Mutation.createGenerations(inputs)']);
/** Lists whose length the field above has counted by its arguments. */
const COUNTED_LISTS = new Set(['GenerationConnection.edges', 'CreateGenerationsPayload.results']);

/**
 * Refuses a document that would cost too much to parse, to validate or to answer, over every transport, before any of
 * it runs: with GRAPHQL_PARSE_FAILED beyond MAX_TOKENS, with QUERY_TOO_EXPENSIVE beyond the other limits.
 */
export const queryLimits: Plugin = {
  onParse({ setParseFn }) {
    setParseFn((source, options) => withinStack(() => parse(source, { ...options, maxTokens: MAX_TOKENS })));
  },
  onValidate({ validateFn, setValidationFn }) {
    // Alone and first: the rules of graphql-js are themselves slow on what is refused here.
    setValidationFn((schema, document, ...rest) =>
      withinStack(() => {
        const errors = validate(schema, document, [QueryLimitsRule]);
        return errors.length > 0 ? errors : validateFn(schema, document, ...rest);
      }),
    );
  },
};

/** The first limit that the document exceeds is the only error. */
export function QueryLimitsRule(context: ValidationContext): ASTVisitor {
  let aliases = 0;
  return {
    enter(node) {
      if (node.kind === Kind.FIELD && node.alias) aliases++;
      const fault =
        (node.kind === Kind.DOCUMENT && findExcess(node, context)) ||
        (aliases > MAX_ALIASES && describe('has', aliases, MAX_ALIASES, 'aliases', 'Ask in several requests')) ||
        ('directives' in node && findDirectives(node.directives?.length ?? 0));
      if (!fault) return undefined;
      context.reportError(tooExpensive(fault));
      return BREAK;
    },
  };
}

function findExcess(document: DocumentNode, context: ValidationContext): string | null {
  const roots = document.definitions.filter(isExecutable);
  const weights = weigh(roots, context);
  const depth = Math.max(0, ...weights.map((each) => each.depth));
  if (depth > MAX_DEPTH) {
    return describe('is at least', depth, MAX_DEPTH, 'levels deep', 'Ask for what is nested by its id, in a request');
  }
  const cost = weights.reduce((sum, each) => sum + each.cost, 0);
  if (cost > MAX_COST) {
    return describe('has a cost of', cost, MAX_COST, 'fields', 'Ask for a shorter page, or for fewer lists in lists');
  }
  const repeats = countRepeats(roots, context);
  if (repeats > MAX_REPEATS) {
    return describe('has', repeats, MAX_REPEATS, 'fields in one place of the answer', 'Write each once');
  }
  return null;
}

function isExecutable(node: DefinitionNode): node is OperationDefinitionNode | FragmentDefinitionNode {
  return node.kind === Kind.OPERATION_DEFINITION || node.kind === Kind.FRAGMENT_DEFINITION;
}

interface Weight {
  /** Fields of the answer, as estimated. */
  cost: number;
  /** Fields and inline fragments within each other, without introspection: graphql-js bounds that by itself. */
  depth: number;
}

const NOTHING: Weight = { cost: 0, depth: 0 };

/**
 * The weights of all operations, and of fragments that none of them spreads. A fragment is weighed once, however often
 * it is spread; in a cycle, which is no valid document, as nothing.
 */
function weigh(roots: readonly (OperationDefinitionNode | FragmentDefinitionNode)[], context: ValidationContext) {
  const schema = context.getSchema();
  const fragments = new Map<string, Weight>();
  const operations = roots.filter((root) => root.kind === Kind.OPERATION_DEFINITION);
  const weights = operations.map((root) => weighAll(root.selectionSet, schema.getRootType(root.operation)?.name, 1));
  const unused = roots.filter((root) => root.kind === Kind.FRAGMENT_DEFINITION && !fragments.has(root.name.value));
  return [...weights, ...unused.map((root) => weighFragment(root.name?.value ?? ''))];

  function weighAll(set: SelectionSetNode | undefined, type: string | undefined, level: number): Weight {
    // Deep enough to be refused, and no deeper: the stack has an end too.
    if (!set || level > MAX_DEPTH + 1) return NOTHING;
    let { cost, depth } = NOTHING;
    for (const selection of set.selections) {
      const weight = weighOne(selection, type, level);
      cost += weight.cost;
      depth = Math.max(depth, weight.depth);
    }
    return { cost, depth };
  }

  function weighOne(
    node: FieldNode | InlineFragmentNode | FragmentSpreadNode,
    type: string | undefined,
    level: number,
  ): Weight {
    if (node.kind === Kind.FIELD) return weighField(node, type, level);
    if (node.kind === Kind.FRAGMENT_SPREAD) return weighFragment(node.name.value);
    const { cost, depth } = weighAll(node.selectionSet, node.typeCondition?.name.value ?? type, level + 1);
    return { cost, depth: depth + 1 };
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
      return { cost: 1 + weighAll(node.selectionSet, name === '__type' ? '__Type' : '__Schema', 1).cost, depth: 1 };
    }
    const type = parent === undefined ? undefined : schema.getType(parent);
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
    const { cost, depth } = weighAll(node.selectionSet, field && getNamedType(field.type).name, level + 1);
    const isList = isListType(field && getNullableType(field.type));
    const isPage = field?.args.some((argument) => argument.name === 'first') ?? false;
    return { cost: 1 + cost * sizeOf(node, `${parent}.${name}`, isList, isPage), depth: depth + 1 };
  }
}

/** How often the children of a field may be in the answer. */
function sizeOf(node: FieldNode, coordinate: string, isList: boolean, isPage: boolean): number {
  const values = new Map(node.arguments?.map(({ name, value }) => [name.value, value]));
  if (isPage) {
    const asked = [values.get('first'), values.get('last')].filter((value) => value && value.kind !== Kind.NULL);
    const sizes = asked.map((value) => (value?.kind === Kind.INT ? Math.max(1, Number(value.value)) : UNKNOWN_SIZE));
    return sizes.length > 0 ? Math.max(...sizes) : DEFAULT_PAGE_SIZE;
  }
  for (const [name, value] of values) {
    if (!LIST_ARGUMENTS.has(`${coordinate}(${name})`)) continue;
    if (value.kind === Kind.VARIABLE) return UNKNOWN_SIZE;
    return value.kind === Kind.LIST ? Math.max(1, value.values.length) : 1;
  }
  return isList && !COUNTED_LISTS.has(coordinate) ? LIST_SIZE : 1;
}

interface Place {
  count: number;
  below: Map<string, Place>;
}

/** The most fields that share one place in the answer, as far as MAX_COST fields tell: more are only in a fragment cycle. */
function countRepeats(
  roots: readonly (OperationDefinitionNode | FragmentDefinitionNode)[],
  context: ValidationContext,
) {
  const active = new Set<string>();
  let visits = 0;
  let most = 0;
  for (const root of roots) visit(root.selectionSet, { count: 0, below: new Map() });
  return most;

  function visit(set: SelectionSetNode | undefined, place: Place): void {
    for (const selection of set?.selections ?? []) {
      if (++visits > 2 * MAX_COST) return;
      if (selection.kind === Kind.FIELD) visitField(selection, place);
      else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet, place);
      else visitFragment(selection.name.value, place);
    }
  }

  function visitField(node: FieldNode, { below }: Place): void {
    const name = (node.alias ?? node.name).value;
    const place = below.get(name) ?? { count: 0, below: new Map() };
    below.set(name, place);
    most = Math.max(most, ++place.count);
    visit(node.selectionSet, place);
  }

  function visitFragment(name: string, place: Place): void {
    if (active.has(name)) return;
    active.add(name);
    visit(context.getFragment(name)?.selectionSet, place);
    active.delete(name);
  }
}

function findDirectives(count: number): string | null {
  return count > MAX_DIRECTIVES
    ? describe('has', count, MAX_DIRECTIVES, 'directives in one place', 'Remove what repeats')
    : null;
}

function describe(verb: string, found: number, limit: number, what: string, advice: string): string {
  const number = found > 1e9 ? 'more than 1,000,000,000' : found.toLocaleString('en');
  return `The document ${verb} ${number} ${what}; the limit is ${limit.toLocaleString('en')}. ${advice}.`;
}

/** graphql-js recurses as deep as a document is nested, and some 5,000 levels are more than the stack holds. */
function withinStack<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw tooExpensive('The document is nested deeper than can be read. Ask for what is nested by its id.');
  }
}

function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'QUERY_TOO_EXPENSIVE' } });
}
