import { isId } from '../db/id.ts';
import { Fault } from '../fault.ts';
import type { Caller } from '../workspace/caller.ts';

/** A place in a list of generations, or a version of one generation. Bound to its workspace; opaque to clients. */
type Kind = 'page' | 'version';

export function pageCursor({ workspaceId }: { workspaceId: string }, generationId: string): string {
  return encode('page', workspaceId, generationId);
}

export function versionCursor({
  workspaceId,
  id,
  version,
}: {
  workspaceId: string;
  id: string;
  version: number;
}): string {
  return encode('version', workspaceId, `${id}.${version}`);
}

/** The id of the generation a page ended at; throws a Fault for anything but a page cursor of this workspace. */
export function readPageCursor(caller: Caller, cursor: string, argument: string): string {
  const id = decode('page', caller, cursor, argument);
  if (isId('gen', id)) return id;
  throw wrong(argument, 'not a cursor of this workspace', 'page');
}

/** The version of this very generation that a client already holds; throws a Fault for any other cursor. */
export function readVersionCursor(caller: Caller, cursor: string, generationId: string, argument: string): number {
  const [id, version = ''] = decode('version', caller, cursor, argument).split('.');
  if (!/^[1-9]\d{0,9}$/.test(version)) throw wrong(argument, 'not a cursor of this workspace', 'version');
  if (id === generationId) return Number(version);
  throw wrong(argument, 'the cursor belongs to another generation', 'version');
}

function encode(kind: Kind, workspaceId: string, value: string): string {
  return Buffer.from(JSON.stringify([kind, workspaceId, value])).toString('base64url');
}

function decode(kind: Kind, { workspaceId }: Caller, cursor: string, argument: string): string {
  const [found, owner, value] = parse(cursor);
  if (typeof value !== 'string' || owner !== workspaceId) throw wrong(argument, 'not a cursor of this workspace', kind);
  if (found !== kind) throw wrong(argument, 'a cursor of another kind', kind);
  return value;
}

function parse(cursor: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

const SOURCE: Record<Kind, string> = {
  page: 'a cursor from an edge or the pageInfo of this list',
  version: 'the cursor of createGeneration or of an earlier message about the same generation',
};

function wrong(argument: string, why: string, kind: Kind): Fault {
  return new Fault('BAD_USER_INPUT', `${argument}: ${why}; pass ${SOURCE[kind]}.`, argument, [SOURCE[kind]]);
}
