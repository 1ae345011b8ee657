/** Why a command ends without having done what was asked. */

/** A mistake in how the command was called: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** What was asked for can't be done: exit code 1. */
export class Refusal extends Error {
  override name = 'Refusal';
}
