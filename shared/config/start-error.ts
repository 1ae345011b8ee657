/** Why a start cannot go on. */

/** A start that cannot go on: its message is the one line an operator sees. */
export class StartError extends Error {
  override name = 'StartError';
}
