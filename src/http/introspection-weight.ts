import {
  type DocumentNode,
  type GraphQLSchema,
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  TypeInfo,
  ValidationContext,
} from 'graphql';

/** What tools ask, once: GraphiQL, relay-compiler and the code generators of mobile clients. */
const WHOLE = parse(getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, oneOf: true }));

/** How long each list of introspection is in this schema, on average. */
export function introspectionSizes(schema: GraphQLSchema): (coordinate: string) => number | undefined {
  const known = sizes.get(schema) ?? measure(schema);
  sizes.set(schema, known);
  return (coordinate) => known.get(coordinate);
}

/** The whole of a schema, with what `weigh` needs to weigh it. */
export function wholeIntrospection(schema: GraphQLSchema): { document: DocumentNode; context: ValidationContext } {
  return { document: WHOLE, context: new ValidationContext(schema, WHOLE, new TypeInfo(schema), () => {}) };
}

const sizes = new WeakMap<GraphQLSchema, Map<string, number>>();

function measure(schema: GraphQLSchema): Map<string, number> {
  const types = Object.values(schema.getTypeMap());
  const fields = types.flatMap((type) =>
    isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [],
  );
  const inputs = types.flatMap((type) => (isInputObjectType(type) ? Object.values(type.getFields()) : []));
  const values = types.flatMap((type) => (isEnumType(type) ? type.getValues() : []));
  const args = fields.flatMap((field) => field.args);
  const average = (items: number, among: number) => Math.max(1, Math.ceil(items / among));
  return new Map([
    ['__Schema.types', types.length],
    ['__Schema.directives', schema.getDirectives().length],
    ['__Type.fields', average(fields.length, types.length)],
    ['__Type.inputFields', average(inputs.length, types.length)],
    ['__Type.enumValues', average(values.length, types.length)],
    ['__Type.interfaces', 1],
    ['__Type.possibleTypes', 1],
    ['__Field.args', average(args.length, fields.length)],
    ['__Directive.args', 1],
  ]);
}
