import { type FieldNode, Kind, type SelectionSetNode, type ValidationContext } from 'graphql';
import type { Root } from './query-weight.ts';

/** What a list in a variable counts for: as much as `createGenerations` takes. */
const MOST_INPUTS = 50;

export interface Roots {
  /** Fields of the answer at its root, each of which goes to the database by itself; not what describes the schema. */
  fields: number;
  /** Generations that may be created. */
  creations: number;
}

/** What all operations together ask for at their root. */
export function countRoots(roots: readonly Root[], context: ValidationContext): Roots {
  const operations = roots.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const fields = operations.flatMap(({ selectionSet }) => [...findFields(selectionSet, context).values()]);
  return {
    fields: fields.filter(({ name }) => !name.value.startsWith('__')).length,
    creations: fields.reduce((sum, field) => sum + countCreations(field), 0),
  };
}

/** By their name in the answer; through each fragment once. */
function findFields(root: SelectionSetNode, context: ValidationContext): Map<string, FieldNode> {
  const fields = new Map<string, FieldNode>();
  const fragments = new Set<string>();
  visit(root);
  return fields;

  function visit(set: SelectionSetNode | undefined): void {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) fields.set((selection.alias ?? selection.name).value, selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet);
      else if (!fragments.has(selection.name.value)) {
        fragments.add(selection.name.value);
        visit(context.getFragment(selection.name.value)?.selectionSet);
      }
    }
  }
}

function countCreations({ name, arguments: given }: FieldNode): number {
  if (name.value === 'createGeneration' || name.value === 'retryGeneration') return 1;
  if (name.value !== 'createGenerations') return 0;
  const inputs = given?.find((argument) => argument.name.value === 'inputs')?.value;
  return inputs?.kind === Kind.LIST ? inputs.values.length : MOST_INPUTS;
}
