import { builder } from './builder.ts';

interface PageInfoShape {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}

export const PageInfo = builder.objectRef<PageInfoShape>('PageInfo').implement({
  description: 'Where a page lies in its list (Relay connections).',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether more follow.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', { description: 'Whether some precede.' }),
    startCursor: t.expose('startCursor', { type: 'Cursor', nullable: true, description: 'Of the first on the page.' }),
    endCursor: t.expose('endCursor', { type: 'Cursor', nullable: true, description: 'Of the last on the page.' }),
  }),
});
