import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { stream } from '../../shared/kit/stream.ts';
import type { RevocationNews } from '../../shared/ports/revocations.ts';
import { TokenText } from '../auth/model.ts';
import { toValidation, Validation } from '../auth/validation.ts';

/** Looked at all the same this often, ms: time ends tokens, and silence ends knowledge. */
const LOOK_MS = 1_000;
/** Longer than any token lives, ms: nothing has to happen to a good one. */
const LIFE_MS = 20 * 60_000;

/** Resolves when there are new revocations, after `ms`, or when nobody listens any more. */
const next = (news: RevocationNews, ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      stop();
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const stop = news.onNews((entries) => entries > 0 && done());
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });

/**
 * Tells the verdict about a token, and again whenever it changes, within a second of the token's end and at once with a
 * revocation. Ends with a refusal; `unavailable` when it can't be known any more.
 */
export const watchToken = operation({
  name: 'sidecar.watch-token',
  summary: 'Tells when the verdict about a token changes',
  rpc: { method: 'perfect21.sidecar.TokenService/WatchToken' },
  access: 'public',
  input: z.strictObject({ token: TokenText }),
  output: stream(Validation, { idle: LIFE_MS }),
  needs: ['verifier', 'clock', 'revocationNews'],
  run: async function* ({ verifier, clock, revocationNews }, { token }, { signal, trace }) {
    let told = '';
    while (!signal?.aborted) {
      const validation = toValidation(await verifier.verify(token, trace), clock.now());
      const text = JSON.stringify(validation);
      if (text !== told) yield validation;
      told = text;
      if (!validation.valid) return;
      const left = validation.expires_at * 1_000 - clock.now();
      await next(revocationNews, Math.max(0, Math.min(left, LOOK_MS)), signal);
    }
  },
});
