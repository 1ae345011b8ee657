/** What changing and resetting a password have in common: new hash, next generation, dead one-time tokens, one event. */
import type { OperationStore } from '../../shared/kit/operation.ts';
import { insert, remove, type Stored, update } from '../../shared/ports/store.ts';
import { userPasswordChanged } from './events.ts';
import { tokenId } from './one-time-token.ts';
import { credentials, type OneTimeToken, oneTimeTokens, type UserRecord, users } from './records.ts';

type Names = 'users' | 'credentials' | 'one_time_tokens';

export const setPassword = async (
  store: OperationStore<Names, Names, 'user.password_changed'>,
  user: Stored<UserRecord>,
  change: {
    password_hash: string;
    changed_at: number;
    how: 'changed' | 'reset';
    except_session_id?: string;
    ip_address: string;
    user_agent: string;
  },
  /** The token that allows it: of several changes that it allows at once, one uses it up and the others fail. */
  token?: Stored<OneTimeToken>,
): Promise<{ generation: number }> => {
  const { password_hash, changed_at, ...told } = change;
  const secret = await store.get(credentials, user.id);
  const reset = token ?? (await store.get(oneTimeTokens, tokenId('reset-password', user.id)));
  const generation = user.value.generation + 1;
  const value = { password_hash, changed_at };
  const recovered_at = change.how === 'reset' ? changed_at : user.value.recovered_at;
  const next = { ...user.value, generation, recovered_at, spared_session_id: change.except_session_id };
  await store.transact(
    [
      secret ? update(credentials, secret, value) : insert(credentials, user.id, value),
      update(users, user, next),
      ...(reset ? [remove(oneTimeTokens, reset)] : []),
    ],
    [
      userPasswordChanged.with(
        { user_id: user.id, email: user.value.email, generation, locale: user.value.locale, ...told },
        { user_id: user.id },
      ),
    ],
  );
  return { generation };
};
