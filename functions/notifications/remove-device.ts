import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { devices } from './records.ts';

/** Ends push messages to one of the caller's devices. Somebody else's is as unknown as none. */
export const removeDevice = operation({
  name: 'notifications.remove-device',
  summary: 'Ends push messages to a device',
  http: { method: 'DELETE', path: '/api/v1/notifications/devices/{id}', status: 204 },
  access: 'user',
  input: z.strictObject({ id: z.string().min(1).max(128) }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  reads: [devices],
  writes: [devices],
  run: ({ store }, { id }, { caller }) =>
    retryConflict(async () => {
      const device = await store.get(devices, id);
      if (caller.kind !== 'user' || device?.value.user_id !== caller.user_id) {
        throw new AppError('not_found', { detail: 'You have no device with this id' });
      }
      await store.transact([remove(devices, device)]);
      return {};
    }),
});
