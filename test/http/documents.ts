/** Documents that cost more to answer than to send. */

export function nest(levels: number): string {
  return `{ generation(id: "x") ${'{ tasks { generation '.repeat(levels / 2)} { id } ${'} }'.repeat(levels / 2)} }`;
}

export function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }`;
}

export function doubling(levels: number): string {
  const links = Array.from({ length: levels }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
  return `{ ...F0 } ${links.join(' ')} fragment F${levels} on Query { __typename }`;
}

export function throughTheCycle(levels: number): string {
  const links = Array.from(
    { length: levels },
    (_, i) =>
      `fragment F${i} on Generation { a: tasks { generation { ...F${i + 1} } } b: assets { generation { ...F${i + 1} } } }`,
  );
  return `{ generations { edges { node { ...F0 } } } } ${links.join(' ')} fragment F${levels} on Generation { id }`;
}
