/** Variables that hold several values. */

/** What a variable lists, separated by spaces or commas. */
export const listOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
