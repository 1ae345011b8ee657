/** Does something for each, at most `width` at a time, and keeps the order. The first failure ends it. */
export const parallel = async <T, R>(each: readonly T[], width: number, work: (one: T) => Promise<R>): Promise<R[]> => {
  const results = new Array<R>(each.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < each.length) {
      const at = next++;
      results[at] = await work(each[at]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, each.length) }, worker));
  return results;
};
