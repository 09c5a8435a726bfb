/** Runs one job for each item, at most `limit` at a time; the answers keep the order of the items. */
export async function inParallel<Item, Answer>(
  items: readonly Item[],
  limit: number,
  run: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const queue = items.entries();
  const lane = async () => {
    // All lanes draw from the one queue.
    for (const [index, item] of queue) answers[index] = await run(item);
  };
  await Promise.all(Array.from({ length: limit }, lane));
  return answers;
}
