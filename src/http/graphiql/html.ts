import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { type GraphQLSchema, introspectionFromSchema } from 'graphql';
import { TABS } from './tabs.ts';
import { OPTIONS_OF_VISIT, VISIT } from './visit.ts';

const OPTIONS = {
  title: 'Darkroom',
  // Over WebSocket, GraphiQL has no Headers panel, and with it no way to send a key.
  subscriptionsProtocol: 'SSE' as const,
  defaultTabs: TABS,
};

/**
 * GraphiQL as one HTML page, the same for everyone. It brings the schema along, so that docs and completion work before
 * a key is typed; null: it does without them.
 */
export function renderPage(schema: GraphQLSchema | null): string {
  const page = withCurrentOperation(renderGraphiQL(OPTIONS));
  const options = inScript({ ...OPTIONS, schema: schema && introspectionFromSchema(schema) });
  const own = replaceOnce(page, JSON.stringify(OPTIONS), () => `${OPTIONS_OF_VISIT}(${options})`);
  return replaceOnce(own, '<div id="root"></div>', (root) => `${STYLE}<script>${VISIT}</script>${root}`);
}

/** A tab jumps away from the pointer that presses it, so that the click misses; and the font draws the x of 5x9 as a sign. */
const STYLE =
  '<style>.graphiql-tab { transform: none !important; } .monaco-editor { font-feature-settings: "calt" 0 !important; }</style>';

/**
 * GraphiQL learns the name of the operation in the editor some 100 ms after the text changes; whoever runs sooner, as
 * after a switch of tabs, would run the new text under the old name and only see "Cannot infer operation".
 */
function withCurrentOperation(page: string): string {
  return replaceOnce(page, RUN, (start, [params, parse]) => {
    const current = `(${CURRENT_NAME})(${parse}(${params}.query),${params}.operationName)`;
    return start.replace('{', () => `{${params}={...${params},operationName:${current}};`);
  });
}

/** Where the page takes what the editor holds and the name that it believes to be in it. */
const RUN = /function\(([\w$]+),[\w$]+\)\{const [\w$]+=[\w$]+\(([\w$]+)\(\1\.query\),\1\.operationName\?\?void 0\);/g;

const CURRENT_NAME = `({ definitions }, believed) => {
  const names = definitions.filter(({ kind }) => kind === 'OperationDefinition').map(({ name }) => name?.value);
  return names.includes(believed) ? believed : names[0];
}`;

/** As JSON that no HTML parser takes for the end of a script. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** Fails, and the page with it, when GraphiQL no longer is what these mends were made for. */
function replaceOnce(
  page: string,
  what: string | RegExp,
  replacement: (found: string, groups: readonly string[]) => string,
): string {
  const found = typeof what === 'string' ? page.split(what).length - 1 : [...page.matchAll(what)].length;
  const place = String(what).slice(0, 80);
  if (found !== 1) throw new Error(`GraphiQL has changed: ${place} is found ${found} times in its page, not once.`);
  return page.replace(what, (match: string, ...groups: string[]) => replacement(match, groups));
}
