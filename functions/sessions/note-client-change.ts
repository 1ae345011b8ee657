import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { CLIENT_CHANGES } from '../../shared/ports/client-marks.ts';
import { clientChanges } from './records.ts';
import { changeKey, riskKey, WEIGHTS } from './risk.ts';

const DAY_MS = 86_400_000;

/**
 * Notes that a session is used by another client than it was begun by: the next login of its user is riskier for a day.
 * Each session counts once a day for each change, however often it is told.
 */
export const noteClientChange = operation({
  name: 'sessions.note-client-change',
  summary: 'Notes that a session changed its client',
  access: 'service',
  input: z.strictObject({
    user_id: z.string(),
    session_id: z.string(),
    changes: z.array(z.enum(CLIENT_CHANGES)).max(2),
  }),
  output: z.object({}),
  writes: [clientChanges],
  needs: ['clock', 'metrics', 'secrets'],
  run: async ({ store, clock, metrics, secrets }, { user_id, session_id, changes }) => {
    const expires_at = clock.now() + DAY_MS;
    for (const change of new Set(changes)) {
      const times = await store.increment(clientChanges, changeKey(secrets, session_id, change), { expires_at });
      if (times > 1) continue;
      await store.increment(clientChanges, riskKey(secrets, user_id), { by: WEIGHTS[change], expires_at });
      metrics.count('perfect21_session_operations_total', { operation: change, result: 'success' });
    }
    return {};
  },
});
