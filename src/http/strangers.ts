/** Counts the WebSockets of each address that have not said yet who they are. */
export interface Strangers {
  /** The function that takes the new one off the count again; null when its address has too many. */
  admit(address: string): (() => void) | null;
}

export function createStrangers(most: number): Strangers {
  const counts = new Map<string, number>();
  return {
    admit(address) {
      const count = counts.get(address) ?? 0;
      if (count >= most) return null;
      counts.set(address, count + 1);
      let counted = true;
      return () => {
        if (!counted) return;
        counted = false;
        const rest = (counts.get(address) ?? 1) - 1;
        if (rest > 0) counts.set(address, rest);
        else counts.delete(address);
      };
    },
  };
}
