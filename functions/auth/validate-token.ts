import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { noteClientChange } from '../sessions/note-client-change.ts';
import { DeviceInfo, TokenText } from './model.ts';
import { countVerdict, isOutdated, permissionsNow, toValidation, Validation } from './validation.ts';

/**
 * Says whether an access token is valid now, and for whom. A bad token is an answer, not an error.
 *
 * Of a token that is older than the last change of its user's permissions those of now are answered, with a warning.
 *
 * What is said of the client is compared with whom the token was issued to, by a mark in the token: a change is a warning,
 * and where a service says it, the next login of the user is riskier.
 */
export const validateToken = operation({
  name: 'auth.validate-token',
  summary: 'Says whether an access token is valid now, and for whom',
  http: { method: 'POST', path: '/api/v1/auth/validate' },
  rpc: { method: 'perfect21.auth.AuthService/ValidateToken' },
  access: 'public',
  input: z.strictObject({
    token: TokenText,
    client_ip: z.string().max(64).optional(),
    user_agent: z.string().max(512).optional(),
    device_info: DeviceInfo,
  }),
  output: Validation,
  needs: ['verifier', 'clientMarks', 'clock', 'log', 'metrics'],
  calls: { noteClientChange, getEffective },
  audit: 'events',
  run: async (
    { verifier, clientMarks, clock, log, metrics, noteClientChange, getEffective },
    { token, ...said },
    { caller, trace },
  ) => {
    const verdict = await verifier.verify(token, trace);
    countVerdict(metrics, verdict);
    const permissions = isOutdated(verdict) ? await permissionsNow(getEffective, log)(verdict.claims.sub) : undefined;
    const { client_ip, user_agent, device_info } = said;
    if (!verdict.valid || !(client_ip || user_agent || device_info))
      return toValidation(verdict, clock.now(), { permissions });
    const { sub: user_id, sid: session_id } = verdict.claims;
    const client = { ip_address: client_ip, user_agent, device_id: device_info?.device_id };
    const changes = clientMarks.changes(verdict.claims, client);
    // what anybody says is answered to him alone; a service speaks of its own client, and once for each session
    const counted = caller.kind === 'service' ? clientMarks.news(session_id, changes) : [];
    if (counted.length) {
      await noteClientChange({ user_id, session_id, changes: [...counted] }).catch((cause) =>
        log.warn('client_change.not_counted', { user_id, session_id, cause }),
      );
    }
    return toValidation(verdict, clock.now(), { changes, permissions });
  },
});
