/**
 * Makes something once, for all who ask. One try at a time; one that failed is tried again by who asks next.
 *
 * @returns asks for it; throws what `make` throws
 * @example const opened = once(() => open(file)); (await opened()) === (await opened());
 */
export const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((thrown) => {
      made = undefined;
      throw thrown;
    });
    return made;
  };
};
