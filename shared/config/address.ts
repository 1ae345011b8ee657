/** Addresses that an operator writes, which may hold a password: what can't be read is refused without being shown. */
import { StartError } from './start-error.ts';

const decodable = (text: string): boolean => {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
};

/** Whether an address can be read with all of its parts: of one host, with escapes that mean something. */
export const isAddress = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { username, password, hostname, pathname } = new URL(text);
  return !/,/.test(hostname) && [username, password, hostname, pathname].every(decodable);
};

/** @throws StartError with what to use instead */
export const addressOr = (text: string, refusal: string): URL => {
  if (!isAddress(text)) throw new StartError(refusal);
  return new URL(text);
};
