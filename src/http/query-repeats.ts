import { type FieldNode, Kind, type SelectionSetNode, type ValidationContext } from 'graphql';
import type { Root } from './query-weight.ts';

interface Place {
  count: number;
  below: Map<string, Place>;
}

/** The most fields that share one place in the answer, as far as `mostVisits` fields tell: more are only in a fragment cycle. */
export function countRepeats(roots: readonly Root[], context: ValidationContext, mostVisits: number): number {
  const active = new Set<string>();
  let visits = 0;
  let most = 0;
  for (const root of roots) visit(root.selectionSet, { count: 0, below: new Map() });
  return most;

  function visit(set: SelectionSetNode | undefined, place: Place): void {
    for (const selection of set?.selections ?? []) {
      if (++visits > mostVisits) return;
      if (selection.kind === Kind.FIELD) visitField(selection, place);
      else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet, place);
      else visitFragment(selection.name.value, place);
    }
  }

  function visitField(node: FieldNode, { below }: Place): void {
    const name = (node.alias ?? node.name).value;
    const place = below.get(name) ?? { count: 0, below: new Map() };
    below.set(name, place);
    most = Math.max(most, ++place.count);
    visit(node.selectionSet, place);
  }

  function visitFragment(name: string, place: Place): void {
    if (active.has(name)) return;
    active.add(name);
    visit(context.getFragment(name)?.selectionSet, place);
    active.delete(name);
  }
}
