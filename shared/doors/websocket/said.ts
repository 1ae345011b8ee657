/** What a listener may say. What he missed he asks for by `since`: an acknowledgement only says what a device took. Pure. */

export type Said = { type: 'ping' } | { type: 'ack'; id: string };

/** What listeners are told of anything else. */
export const KNOWN = 'Known are {"type":"ack","id":…} and {"type":"ping"}';

/** A text frame as a JSON object; undefined for what is none. */
export const readObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

/** What an object says; undefined for what is not known. @example saidOf({ type: 'ack', id: 'm1' }) // { type: 'ack', id: 'm1' } */
export const saidOf = ({ type, id }: Record<string, unknown>): Said | undefined => {
  if (type === 'ping') return { type };
  return type === 'ack' && typeof id === 'string' && id.length <= 128 ? { type, id } : undefined;
};
