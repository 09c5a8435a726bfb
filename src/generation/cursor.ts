import { isId } from '../db/id.ts';
import { Fault } from '../fault.ts';
import type { Caller } from '../workspace/caller.ts';

/** A place in a list of generations, a version of one, or a position in the feed. Bound to its workspace; opaque to clients. */
type Kind = 'page' | 'version' | 'position';

/** Where a generation stands in a list, newest first. */
export interface Place {
  createdAt: Date;
  id: string;
}

export function pageCursor({ workspaceId, createdAt, id }: Place & { workspaceId: string }): string {
  return encode('page', workspaceId, `${id}.${createdAt.getTime()}`);
}

export function positionCursor({ workspaceId }: { workspaceId: string }, position: number): string {
  return encode('position', workspaceId, String(position));
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

/** The place a page ended at; throws a Fault for anything but a page cursor of this workspace. */
export function readPageCursor(caller: Caller, cursor: string, argument: string): Place {
  const [id = '', createdAt = ''] = decode('page', caller, cursor, argument).split('.');
  if (isId('gen', id) && /^\d{1,14}$/.test(createdAt)) return { id, createdAt: new Date(Number(createdAt)) };
  throw wrong(argument, 'not a cursor of this workspace', 'page');
}

/** A position in the feed, which may be deleted by now; throws a Fault for any other cursor. */
export function readPositionCursor(caller: Caller, cursor: string, argument: string): number {
  const position = decode('position', caller, cursor, argument);
  if (/^\d{1,15}$/.test(position)) return Number(position);
  throw wrong(argument, 'not a cursor of this workspace', 'position');
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
  position: 'the cursor of an event, or of a page of events',
};

function wrong(argument: string, why: string, kind: Kind): Fault {
  return new Fault('BAD_USER_INPUT', `${argument}: ${why}; pass ${SOURCE[kind]}.`, argument, [SOURCE[kind]]);
}
