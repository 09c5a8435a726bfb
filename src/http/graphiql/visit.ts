import { KEY } from './tabs.ts';

/** The name under which the page finds its options. */
export const OPTIONS_OF_VISIT = 'optionsOfVisit';

/**
 * What runs in the browser ahead of GraphiQL: `optionsOfVisit(options)` gives GraphiQL its options with what is new in
 * each visit, and three of its habits are mended. A reload, which compares the kept tabs with a kept query that is not
 * there, would add a tab in front of them. A key would be kept on the disk of a visitor who never asked for it: the
 * settings still offer it. And each tab has headers of its own: whoever types a key in one finds it in all that had
 * the same headers before.
 */
export const VISIT = `
const ${OPTIONS_OF_VISIT} = (() => {
  const KEPT = 'graphiql:';
  const { tabs, activeTabIndex } = readTabs();
  let headersBefore = headersOf(tabs);
  for (const name of ['query', 'variables', 'headers']) keep(name, tabs[activeTabIndex]?.[name]);
  if (localStorage.getItem(KEPT + 'shouldPersistHeaders') === null) keep('shouldPersistHeaders', 'false');

  return (options) => ({ ...freshly(options), onTabChange: shareHeaders });

  function readTabs() {
    const nothing = { tabs: [], activeTabIndex: 0 };
    try {
      const state = JSON.parse(localStorage.getItem(KEPT + 'tabState'));
      return Array.isArray(state?.tabs) ? state : nothing;
    } catch {
      return nothing;
    }
  }

  function keep(name, value) {
    if (value) localStorage.setItem(KEPT + name, value);
    else localStorage.removeItem(KEPT + name);
  }

  function freshly(options) {
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(5)));
    const key = 'visit-' + bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const defaultTabs = options.defaultTabs.map(({ query }) => ({ query: query.replaceAll('${KEY}', key) }));
    return { ...options, defaultTabs };
  }

  function shareHeaders({ tabs, activeTabIndex }) {
    const { id, headers } = tabs[activeTabIndex];
    const before = headersBefore.get(id) ?? '';
    if ((headers ?? '') !== before) {
      for (const tab of tabs) if ((tab.headers ?? '') === before) tab.headers = headers;
    }
    headersBefore = headersOf(tabs);
  }

  function headersOf(tabs) {
    return new Map(tabs.map(({ id, headers }) => [id, headers ?? '']));
  }
})();
`;
