/** The release that runs, as documents and the status page tell it. */
export const VERSION = '0.1.0';
