/** What the release before left behind, beside its data: what its users hold. */
export interface Left {
  /** When it ended, unix ms. */
  at: number;
  refresh_token: string;
  /** Of Ada's authenticator app, base32. */
  secret: string;
  service_token: string;
  admin: { email: string; password: string };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The bytes of a seed, as an authenticator app reads it. */
export const seedOf = (base32: string): Buffer => {
  const bits = [...base32].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
};
