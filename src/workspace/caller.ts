export const SCOPES = ['GENERATE', 'READ', 'ADMIN', 'DEBUG'] as const;
export type Scope = (typeof SCOPES)[number];

/** What a key may reach: TEST only the sandbox, LIVE only configured providers. */
export type Mode = 'LIVE' | 'TEST';

/** Who asks: a workspace in one mode. Every query of the domain goes through it. */
export interface Caller {
  workspaceId: string;
  mode: Mode;
  scopes: readonly Scope[];
  /** Null in the open mode, where no key is needed. */
  apiKeyId: string | null;
}
