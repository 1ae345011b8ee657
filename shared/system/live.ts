/** A value that may be replaced while the process runs, e.g. a certificate. */
export interface Live<T> {
  readonly now: T;
  /** Calls back after each replacement. Returns how to stop. */
  onChange(listener: (now: T) => void): () => void;
}

/** A value that stays. */
export const fixed = <T>(now: T): Live<T> => ({ now, onChange: () => () => {} });

/** What follows from a value, as it follows. */
export const derived = <T, U>(source: Live<T>, make: (value: T) => U): Live<U> => ({
  get now() {
    return make(source.now);
  },
  onChange: (listener) => source.onChange((value) => listener(make(value))),
});
