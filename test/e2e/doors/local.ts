import { authenticate } from '../../../shared/doors/binding/caller.ts';
import { ANONYMOUS, type Context } from '../../../shared/kit/context.ts';
import { toAppError } from '../../../shared/kit/errors.ts';
import { type Host, invoke } from '../../../shared/kit/invoke.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import type { Door } from '../world.ts';

/** No transport at all: the operation is invoked in this process. */
export const localDoor = (host: Host): Door => ({
  name: 'in process',
  call: async (op, input, { token, user_agent = 'test' } = {}) => {
    try {
      const presented =
        op.access === 'public' || token === undefined
          ? { caller: ANONYMOUS }
          : await authenticate(host.ports, `Bearer ${token}`);
      const context: Context = {
        request_id: host.ports.ids.uuid(),
        trace: continueTrace(),
        ...presented,
        client: { ip: '127.0.0.1', user_agent },
        door: 'local',
      };
      return { ok: true, body: await invoke(host, op, input, context) };
    } catch (thrown) {
      const { code, errors } = toAppError(thrown);
      return { ok: false, code, errors, body: undefined };
    }
  },
});
