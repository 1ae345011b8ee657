/** What mailers have in common: who sends, to whom they do, and how long one mail may take. */
import { AppError } from '../../kit/errors.ts';
import { oneLine } from '../one-line.ts';
import { isPlainAddress } from './address.ts';

/** Milliseconds for the whole of one send, waiting for a connection included: shorter than the lease of a message. */
export const SEND_MS = 30_000;

export interface Sender {
  /** Empty when there is none. */
  name: string;
  address: string;
}

/** The sender in `name <address>` or `address`. */
export const senderOf = (from: string): Sender => {
  const [, name, bracketed] = /^(.*?)\s*<([^<>]+)>$/.exec(from) ?? [];
  return { name: oneLine(name ?? '').replace(/^"|"$/g, ''), address: bracketed ?? from.trim() };
};

/**
 * Checks a recipient.
 *
 * @throws AppError `invalid_request` for what is not one plain address
 */
export const requirePlainAddress = (to: string): void => {
  if (!isPlainAddress(to)) throw new AppError('invalid_request', { detail: 'The recipient is not one plain address' });
};
