import { type FieldNode, Kind, type SelectionSetNode, type ValidationContext } from 'graphql';
import type { Root } from './query-weight.ts';

/** What `createGenerations` takes at the most, and so what a list in a variable counts for. */
const MOST_INPUTS = 50;

/**
 * How often the operations go to the database from their root: each field of the answer once, `createGenerations` once
 * per input, what describes the schema not at all.
 */
export function countRoots(roots: readonly Root[], context: ValidationContext): number {
  const operations = roots.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  return operations.reduce((sum, { selectionSet }) => sum + countFields(selectionSet, context), 0);
}

function countFields(root: SelectionSetNode, context: ValidationContext): number {
  const fields = new Map<string, number>();
  const fragments = new Set<string>();
  visit(root);
  return [...fields.values()].reduce((sum, count) => sum + count, 0);

  function visit(set: SelectionSetNode | undefined): void {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) fields.set((selection.alias ?? selection.name).value, countField(selection));
      else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet);
      else if (!fragments.has(selection.name.value)) {
        fragments.add(selection.name.value);
        visit(context.getFragment(selection.name.value)?.selectionSet);
      }
    }
  }
}

function countField({ name, arguments: given }: FieldNode): number {
  if (name.value.startsWith('__')) return 0;
  if (name.value !== 'createGenerations') return 1;
  const inputs = given?.find((argument) => argument.name.value === 'inputs')?.value;
  return inputs?.kind === Kind.LIST ? inputs.values.length : MOST_INPUTS;
}
