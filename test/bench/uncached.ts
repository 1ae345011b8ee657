/** What a token costs that was never seen, beside the check of its signature alone. */
import { verify } from 'node:crypto';
import { RevocationSet } from '../../shared/keys/revocation-set.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import { claims, header, ISSUER, memoryKeys, TestClock } from '../keys/harness.ts';
import { alternate, type Row } from './bench.ts';

const TOKENS = 2_000;
const MOST = 1.3;
/** Rounds that count, after as many as V8 needs to have compiled all of it: a sidecar lives longer than that. */
const [ROUNDS, WARM_UP] = [11, 5];

export const uncached = async (): Promise<Row> => {
  const clock = new TestClock();
  const { keys, mint, publicKey } = memoryKeys('RS256');
  const live = new RevocationSet();
  const tokens = Array.from({ length: TOKENS }, (_, n) =>
    mint(header('RS256'), { ...claims(clock.seconds), jti: `t${n}` }),
  );
  const parts = tokens.map((token) => {
    const end = token.lastIndexOf('.');
    return { signed: Buffer.from(token.slice(0, end)), signature: Buffer.from(token.slice(end + 1), 'base64url') };
  });
  const rate = (began: number): number => TOKENS / ((performance.now() - began) / 1_000);
  const ours = async (): Promise<number> => {
    const revocations = { find: (of: any) => live.find(of), learn: () => {} };
    const verifier = createVerifier({ keys, revocations, clock }, { issuer: ISSUER, audience: 'perfect21' });
    const began = performance.now();
    for (const token of tokens) if (!(await verifier.verify(token)).valid) throw new Error('a good token was refused');
    return rate(began);
  };
  const bare = async (): Promise<number> => {
    const began = performance.now();
    for (const { signed, signature } of parts) verify('sha256', signed, publicKey, signature);
    return rate(began);
  };
  await alternate(WARM_UP, ours, bare);
  const { ours: found, bare: alone, ratio } = await alternate(ROUNDS, ours, bare);
  const times = 1 / ratio;
  return {
    what: 'a token never seen (RS256), beside crypto.verify alone',
    measured: `${(1e6 / found).toFixed(0)} µs`,
    baseline: `${(1e6 / alone).toFixed(0)} µs`,
    bound: `${times.toFixed(2)} times ≤ ${MOST}`,
    ok: times <= MOST,
  };
};
