/** Orders by time, and of one millisecond by id: what pages follow. @example timeSort(clock.now(), id) */
export const timeSort = (ms: number, id: string): string => `${timeFrom(ms)}${id}`;

/** Where records of this time or later begin. */
export const timeFrom = (ms: number): string => String(Math.max(0, Math.floor(ms))).padStart(15, '0');
