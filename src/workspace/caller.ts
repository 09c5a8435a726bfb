export const SCOPES = ['GENERATE', 'READ', 'ADMIN', 'DEBUG'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks: a workspace in one mode. Every query of the domain goes through it. */
export interface Caller {
  workspaceId: string;
  /** TEST only ever reaches the sandbox, LIVE only configured providers. */
  mode: 'LIVE' | 'TEST';
  scopes: readonly Scope[];
  /** Null in the open mode, where no key is needed. */
  apiKeyId: string | null;
}
