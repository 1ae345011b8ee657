import { authenticate } from '../../../shared/doors/binding/caller.ts';
import { ANONYMOUS, type Context } from '../../../shared/kit/context.ts';
import { toAppError } from '../../../shared/kit/errors.ts';
import { type Host, invoke } from '../../../shared/kit/invoke.ts';
import { isStream } from '../../../shared/kit/stream.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import type { Door } from '../world.ts';

/** Of a stream the first row is the answer here: it need not have an end. */
const firstOf = async (rows: AsyncIterable<unknown>): Promise<unknown> => {
  for await (const row of rows) return row;
  return undefined;
};

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
      const output = await invoke(host, op, isStream(op.input) ? { rows: [input] } : input, context);
      return { ok: true, body: isStream(op.output) ? await firstOf(output as AsyncIterable<unknown>) : output };
    } catch (thrown) {
      const { code, errors } = toAppError(thrown);
      return { ok: false, code, errors, body: undefined };
    }
  },
});
