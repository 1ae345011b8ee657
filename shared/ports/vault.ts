/**
 * Seals what is kept for years (seeds of factors), with keys that nothing else is sealed with. Asynchronous, so that a
 * key management service may stand behind it.
 */
export interface Vault {
  /** `of` says what the text is for and whose: elsewhere it does not open. Begins with the key's name and a dot. */
  seal(plain: string, of: string): Promise<string>;
  /** Undefined when it was not sealed here for this. `former`: under an older key, so seal it anew. */
  open(sealed: string, of: string): Promise<{ plain: string; former: boolean } | undefined>;
  /** The names of older keys, which still open what they sealed. */
  readonly former: readonly string[];
}

/** The name of the key that a text was sealed with. @example keyOf('Zm9v.AAAA') // 'Zm9v' */
export const keyOf = (sealed: string): string => sealed.slice(0, sealed.indexOf('.'));
