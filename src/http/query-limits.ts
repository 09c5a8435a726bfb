import {
  type ASTVisitor,
  BREAK,
  type DocumentNode,
  GraphQLError,
  Kind,
  parse,
  type ValidationContext,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { countRepeats } from './query-repeats.ts';
import { countRoots } from './query-roots.ts';
import { isExecutable, MAX_DEPTH, mostIntrospection, weigh } from './query-weight.ts';

/** Some 50 times the longest honest page; a document of as many takes 5 MB of heap once it is parsed. */
const MAX_TOKENS = 10_000;
/** No directive of ours may be repeated, and there are fewer than that. */
const MAX_DIRECTIVES = 8;
/** Aliases without cost, such as of scalars, still take time to validate. */
export const MAX_ALIASES = 1_000;
/** Each goes to the database by itself: 20 take 50 ms, and 900 kept every other caller waiting for 30 s. */
const MAX_ROOTS = 20;
/** As many as `createGenerations` takes. */
const MAX_CREATIONS = 50;
/** graphql-js compares every two fields that share a place in the answer: 1,000 objects take 300 ms. */
export const MAX_REPEATS = 100;
/** A page of 100 generations with all they own fits; going round a cycle within a page does not. */
export const MAX_COST = 50_000;
/**
 * Refuses a document that would cost too much to parse, to validate or to answer, over every transport, before any of
 * it runs: with GRAPHQL_PARSE_FAILED beyond MAX_TOKENS, with QUERY_TOO_EXPENSIVE beyond the other limits.
 */
export const queryLimits: Plugin = {
  onParse({ setParseFn }) {
    setParseFn((source, options) =>
      withinStack('GRAPHQL_PARSE_FAILED', () => parse(source, { ...options, maxTokens: MAX_TOKENS })),
    );
  },
  onValidate({ validateFn, setValidationFn }) {
    // Alone and first: the rules of graphql-js are themselves slow on what is refused here.
    setValidationFn((schema, document, ...rest) =>
      withinStack('QUERY_TOO_EXPENSIVE', () => {
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
  const introspection = weights.reduce((sum, each) => sum + each.introspection, 0);
  const most = mostIntrospection(context.getSchema());
  if (introspection > most) {
    return describe('asks for', introspection, most, 'fields about the schema', 'Ask for each part of it once');
  }
  const { fields, creations } = countRoots(roots, context);
  if (fields > MAX_ROOTS) {
    return describe('has', fields, MAX_ROOTS, 'fields at its root', 'Ask in several requests, or use nodes');
  }
  if (creations > MAX_CREATIONS) {
    return describe('may make', creations, MAX_CREATIONS, 'generations', 'Create the rest in another request');
  }
  const repeats = countRepeats(roots, context, 2 * MAX_COST);
  if (repeats > MAX_REPEATS) {
    return describe('has', repeats, MAX_REPEATS, 'fields in one place of the answer', 'Write each once');
  }
  return null;
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
function withinStack<T>(code: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = 'The document is nested deeper than can be read. Ask for what is nested by its id.';
    throw new GraphQLError(message, { extensions: { code } });
  }
}

function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'QUERY_TOO_EXPENSIVE' } });
}
