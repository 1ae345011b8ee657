/** Seconds for which a login counts as recent. Whoever only holds a token that he found can't do what asks for one. */
export const RECENT_S = 15 * 60;
