/** Things with the same key, found by any of them. What has no key stands alone. */
export interface Groups<T> {
  add(item: T): void;
  delete(item: T): void;
  /** The others of its group. */
  othersOf(item: T): T[];
}

export function createGroups<T>(keyOf: (item: T) => string | null): Groups<T> {
  const groups = new Map<string, Set<T>>();
  return {
    add(item) {
      const key = keyOf(item);
      if (key !== null) groups.set(key, (groups.get(key) ?? new Set()).add(item));
    },
    delete(item) {
      const key = keyOf(item);
      const group = key === null ? undefined : groups.get(key);
      if (key !== null && group?.delete(item) && group.size === 0) groups.delete(key);
    },
    othersOf(item) {
      const key = keyOf(item);
      const group = key === null ? undefined : groups.get(key);
      return [...(group ?? [])].filter((each) => each !== item);
    },
  };
}
