/** Proving a phone number by a code: until then nothing but the code is sent there. */
import { timingSafeEqual } from 'node:crypto';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { NewEvent } from '../../shared/kit/event.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { insert, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { smsSend } from '../notifications/events.ts';
import { type PhoneProof, phoneProofs, requestCounts, type UserRecord } from './records.ts';

/** SP 800-63B-4 §3.1.3.2 allows ten minutes. */
const CODE_TTL_MS = 600_000;
/** Of a million codes; the last wrong one makes the code useless. */
const CODE_TRIES = 5;
const CODES_AN_HOUR = 5;
const HOUR_MS = 3_600_000;

/** What an operation that asks for a proof needs. */
export const PROOF_PORTS = ['clock', 'ids', 'sealer', 'secrets', 'settings'] as const;

type Given = Pick<Ports, (typeof PROOF_PORTS)[number]>;
type Store = Pick<OperationStore<'phone_proofs', 'phone_proofs' | 'request_counts', never>, 'get' | 'increment'>;

const hashOf = ({ secrets }: Pick<Ports, 'secrets'>, user_id: string, code: string): string =>
  counterKey(secrets, 'phone-code', user_id, code);

/** Counts a code that somebody asks for. @throws AppError `too_many_requests` */
export const countCode = async (store: Store, { clock, secrets, settings }: Given, user_id: string): Promise<void> => {
  const hour = { expires_at: clock.now() + HOUR_MS };
  const asked = await store.increment(requestCounts, counterKey(secrets, 'phone-code', user_id), hour);
  if (asked > CODES_AN_HOUR * settings.rate_limits) throw new AppError('too_many_requests', { retry_after: 3600 });
};

/** The write that makes a new code the one valid one for a number, and the event that sends it there. */
export const askForProof = async (
  store: Store,
  given: Given,
  { id: user_id, value: { locale } }: Pick<Stored<UserRecord>, 'id' | 'value'>,
  phone_number: string,
): Promise<{ write: Write<'phone_proofs'>; event: NewEvent<typeof smsSend.type> }> => {
  const { clock, ids, sealer } = given;
  const number = Buffer.from(ids.random(6), 'base64url').readUIntBE(0, 6) % 1_000_000;
  const code = String(number).padStart(6, '0');
  const until = clock.now() + CODE_TTL_MS;
  const expires_at = new Date(until).toISOString();
  const value: PhoneProof = { phone_number, code_hash: hashOf(given, user_id, code) };
  const earlier = await store.get(phoneProofs, user_id);
  const lives = { expires_at: until };
  const template_data = { token: sealer.seal(code, 'verification-code'), expires_at, ...(locale && { locale }) };
  return {
    write: earlier ? update(phoneProofs, earlier, value, lives) : insert(phoneProofs, user_id, value, lives),
    event: smsSend.with(
      { recipient: phone_number, template_name: 'verification_code', template_data, priority: 'high', expires_at },
      { user_id },
    ),
  };
};

/**
 * Counts a code that somebody types, and says whether it is compared at all: parallel guesses can't outrun the bound,
 * which holds for one code and is not scaled.
 */
export const mayTry = async (
  store: Store,
  { clock, secrets }: Pick<Given, 'clock' | 'secrets'>,
  asked: Stored<PhoneProof>,
) => {
  const id = counterKey(secrets, 'phone-tries', asked.id, asked.value.code_hash);
  return (await store.increment(requestCounts, id, { expires_at: clock.now() + CODE_TTL_MS })) <= CODE_TRIES;
};

/** True for the right code, compared in constant time. */
export const isCode = (ports: Pick<Ports, 'secrets'>, { id, value }: Stored<PhoneProof>, code: string): boolean =>
  timingSafeEqual(Buffer.from(value.code_hash), Buffer.from(hashOf(ports, id, code)));
