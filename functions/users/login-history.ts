/** How long a row of the login history is kept, ms. */
export const HISTORY_MS = 90 * 86_400_000;
