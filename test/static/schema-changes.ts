import { readdirSync, readFileSync } from 'node:fs';
import { type Change, ChangeType, CriticalityLevel, diff } from '@graphql-inspector/core';
import {
  buildSchema,
  DEFAULT_DEPRECATION_REASON,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';

export interface SchemaChange {
  class: 'breaking' | 'announced' | 'dangerous' | 'safe';
  /** What changed, such as FIELD_REMOVED. */
  type: string;
  /** Where, as a schema coordinate without brackets. */
  path: string;
  message: string;
}

type Described = Pick<GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField, 'deprecationReason'>;
interface Place extends Described {
  typeName: string;
}

/** Every release leaves its schema here, as <version>.graphql. */
const RELEASES = 'docs/schema';

/** The newest release and its schema. */
export function readLastRelease(): { version: string; schema: GraphQLSchema } {
  const versions = readdirSync(RELEASES).map((name) => name.replace(/\.graphql$/, ''));
  const version = versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (!version) throw new Error(`No release has left its schema in ${RELEASES}.`);
  return { version, schema: buildSchema(readFileSync(`${RELEASES}/${version}.graphql`, 'utf8')) };
}

/**
 * What is different, the worst first. A removal is announced when the release had deprecated the thing and said why; of
 * a type, when it had so deprecated every field and argument that led to it. Nothing else that breaks can be announced.
 */
export async function listChanges(released: GraphQLSchema, current: GraphQLSchema): Promise<SchemaChange[]> {
  const changes = await diff(released, current);
  return changes
    .map((change) => ({
      class: classOf(change, released),
      type: String(change.type),
      path: change.path ?? '',
      message: change.message,
    }))
    .sort((a, b) => ORDER.indexOf(a.class) - ORDER.indexOf(b.class) || a.path.localeCompare(b.path));
}

/** What @deprecated can announce, on the thing itself or on what leads to it. */
const ANNOUNCEABLE: string[] = [
  ChangeType.TypeRemoved,
  ChangeType.FieldRemoved,
  ChangeType.FieldArgumentRemoved,
  ChangeType.InputFieldRemoved,
  ChangeType.EnumValueRemoved,
];

const ORDER: SchemaChange['class'][] = ['breaking', 'announced', 'dangerous', 'safe'];

function classOf(change: Change, released: GraphQLSchema): SchemaChange['class'] {
  if (change.criticality.level === CriticalityLevel.Dangerous) return 'dangerous';
  if (change.criticality.level === CriticalityLevel.NonBreaking) return 'safe';
  if (!ANNOUNCEABLE.includes(String(change.type))) return 'breaking';
  const removed = whatLedTo(change.path ?? '', released);
  return removed.length > 0 && removed.every(isDeprecated) ? 'announced' : 'breaking';
}

function isDeprecated({ deprecationReason }: Described): boolean {
  return Boolean(deprecationReason) && deprecationReason !== DEFAULT_DEPRECATION_REASON;
}

/** The field, argument or value at this path; of a type, each field and argument that is of it. */
function whatLedTo(path: string, released: GraphQLSchema): Described[] {
  const [typeName = '', memberName, argumentName] = path.split('.');
  const type = released.getType(typeName);
  if (!memberName) return listPlaces(released).filter((place) => place.typeName === typeName);
  if (isEnumType(type)) return type.getValues().filter(({ name }) => name === memberName);
  if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return [];
  const member = type.getFields()[memberName];
  if (!member) return [];
  if (!argumentName) return [member];
  return 'args' in member ? member.args.filter(({ name }) => name === argumentName) : [];
}

function listPlaces(schema: GraphQLSchema): Place[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) || isInterfaceType(type) || isInputObjectType(type))
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) => Object.values<GraphQLField<unknown, unknown> | GraphQLInputField>(type.getFields()))
    .flatMap((field) => [field, ...('args' in field ? field.args : [])])
    .map(({ type, deprecationReason }) => ({ typeName: getNamedType(type).name, deprecationReason }));
}
