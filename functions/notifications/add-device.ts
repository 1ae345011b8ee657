import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { PushTarget } from '../../shared/ports/push.ts';
import { insert, remove, update } from '../../shared/ports/store.ts';
import { deviceId, MAX_DEVICES, NewDevice } from './model.ts';
import { devices } from './records.ts';

const targetOf = ({ endpoint, keys, endpoint_arn = '' }: z.output<typeof NewDevice>): PushTarget =>
  endpoint && keys ? { kind: 'web', endpoint, keys } : { kind: 'sns', endpoint_arn };

/** Registers a device for push messages: it belongs to who registered it last, and is known by the same id each time. */
export const addDevice = operation({
  name: 'notifications.add-device',
  summary: 'Registers a device for push messages',
  http: { method: 'POST', path: '/api/v1/notifications/devices' },
  access: 'user',
  input: NewDevice,
  output: z.object({ id: z.string() }),
  errors: ['conflict'],
  reads: [devices],
  queries: ['devices.by_user'],
  writes: [devices],
  needs: ['clock'],
  run: ({ store, clock }, device, { caller }) =>
    retryConflict(async () => {
      if (caller.kind !== 'user') throw new AppError('forbidden');
      const { user_id } = caller;
      const target = targetOf(device);
      const id = deviceId(target.kind === 'web' ? target.endpoint : target.endpoint_arn);
      const value = { user_id, target, created_at: clock.now() };
      const before = await store.get(devices, id);
      const { items } = await store.query(devices, 'by_user', user_id, { limit: 2 * MAX_DEVICES });
      const others = items.filter((each) => each.id !== id);
      const surplus = others.slice(0, Math.max(0, others.length + 1 - MAX_DEVICES));
      await store.transact([
        before ? update(devices, before, value) : insert(devices, id, value),
        ...surplus.map((each) => remove(devices, each)),
      ]);
      return { id };
    }),
});
