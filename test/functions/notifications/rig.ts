/** The notifications service on a store in memory, with every channel in the hands of the test. */
import { onTestFinished } from 'vitest';
import * as z from 'zod';
import { accountLocked, recommendedActions, securityAlert, userLogin } from '../../../functions/auth/events.ts';
import { SENDS } from '../../../functions/notifications/ask.ts';
import { notificationCollections, notifications } from '../../../functions/notifications/index.ts';
import { type Channel, deliveryId } from '../../../functions/notifications/model.ts';
import { deliveries } from '../../../functions/notifications/records.ts';
import { userDeleted, userPasswordChanged, userRegistered } from '../../../functions/users/events.ts';
import { type UserRecord, users } from '../../../functions/users/records.ts';
import { codesIn, provider } from '../../../shared/delivery/sending.ts';
import { auditLines } from '../../../shared/kit/audit-records.ts';
import type { Caller } from '../../../shared/kit/context.ts';
import { type NewEvent, OUTBOX } from '../../../shared/kit/event.ts';
import { invoke } from '../../../shared/kit/invoke.ts';
import { type Operation, operation } from '../../../shared/kit/operation.ts';
import { service } from '../../../shared/kit/service.ts';
import { DEAD } from '../../../shared/messaging/dead-letters.ts';
import type { Mail } from '../../../shared/ports/mailer.ts';
import type { PushMessage } from '../../../shared/ports/push.ts';
import type { Sms } from '../../../shared/ports/sms.ts';
import { insert } from '../../../shared/ports/store.ts';
import { context, openRig, type Rig } from '../../messaging/rig.ts';

const emitted = [
  ...[userRegistered, userPasswordChanged, userDeleted, userLogin, securityAlert, accountLocked],
  ...SENDS,
] as const;
/** Emits whatever it is given, as other services do. */
export const emit = operation({
  name: 'other.emit',
  summary: 'Emits an event',
  access: 'service',
  input: z.custom<NewEvent<any>>(),
  output: z.object({}),
  emits: emitted,
  run: async ({ store }, event) => {
    await store.transact([], [event]);
    return {};
  },
});

/** Nobody listens here: a worker that hears no broadcasts starts and stops at once. */
const queued = notifications.operations.filter(({ subscription }) => !subscription?.broadcast);
export const platform = [service('other', [emit]), service('notifications', queued)];
export const collections = [...notificationCollections, users, auditLines];

/** Puts a verified user into the store. */
export const addUser = ({ store }: Pick<Rig, 'store'>, more: Partial<UserRecord> = {}, id = 'u1'): Promise<void> =>
  store.transact([
    insert(users, id, {
      email: `${id}@example.org`,
      status: 'active',
      verified: true,
      mfa_enabled: false,
      created_at: 0,
      profile: {},
      generation: 0,
      ...more,
    } satisfies UserRecord),
  ]);

export const userCaller = (user_id: string): Caller => ({
  kind: 'user',
  user_id,
  session_id: 's1',
  jti: 'j1',
  generation: 0,
  expires_at: 0,
  permissions: [],
  roles: [],
});

export interface Fail {
  mail?: (mail: Mail) => void | Promise<void>;
  sms?: (sms: Sms) => void | Promise<void>;
  push?: (message: PushMessage) => void | Promise<void>;
}

/** Opens it. What is sent is in `mails`, `texts` and `pushes`; `fail` is asked before each and may throw. */
export const openNotifications = async (fail: Fail = {}) => {
  const mails: Mail[] = [];
  const texts: Sms[] = [];
  const pushes: PushMessage[] = [];
  const rig = await openRig({
    platform,
    collections,
    send: async (mail) => {
      await fail.mail?.(mail);
      mails.push(mail);
    },
  });
  onTestFinished(rig.close);
  const sms = provider<Sms>(
    'texts',
    async (message) => {
      await fail.sms?.(message);
      texts.push(message);
      return `queued for ${message.to}`;
    },
    ({ to, text }) => [to, to.slice(1), text, ...codesIn(text)],
  );
  const push = provider<PushMessage>(
    'pushes',
    async (message) => {
      await fail.push?.(message);
      pushes.push(message);
      return 'status 201';
    },
    () => [],
  );
  Object.assign(rig.host.ports, { sms, push, pushKey: { public_key: 'BKey' } });
  const { drain } = rig.worker();
  return {
    ...rig,
    ...{ mails, texts, pushes, drain, platform },
    /** Publishes an event and gives its id, after everything that follows from it happened. */
    tell: async (event: NewEvent<any>): Promise<string> => {
      await rig.run(emit, event);
      const [row] = await rig.store.messages.peek(OUTBOX, 1);
      await drain();
      return row?.id ?? '';
    },
    /** Publishes an event and leaves it where it is. */
    emit: async (event: NewEvent<any>) => {
      await rig.run(emit, event);
      const [row] = await rig.store.messages.peek(OUTBOX, 1);
      return row!;
    },
    /** Calls an operation as a user. */
    as: (user_id: string, op: Operation<any, any>, input: object = {}): Promise<any> =>
      invoke(rig.host, op, input, { ...context(), caller: userCaller(user_id) }),
    /** Calls an operation as a service; of this name where it is said. */
    ask: (op: Operation<any, any>, input: object, name?: string): Promise<any> =>
      name === undefined
        ? rig.run(op, input)
        : invoke(rig.host, op, input, { ...context(), caller: { kind: 'service', name, permissions: [] } }),
    ledger: async (id: string, channel: Channel) => (await rig.store.get(deliveries, deliveryId(id, channel)))?.value,
    dead: () => rig.store.messages.peek(DEAD, 20),
    addUser: (more?: Partial<UserRecord>, id?: string) => addUser(rig, more, id),
  };
};

export const alert = (severity: 'low' | 'medium' | 'high' | 'critical') =>
  securityAlert.with(
    {
      user_id: 'u1',
      alert_type: 'refresh_token_reuse',
      severity,
      description: 'A used refresh token was presented again',
      details: {},
      ip_address: '192.0.2.7',
      user_agent: 'test',
      recommended_actions: recommendedActions(severity),
    },
    { user_id: 'u1' },
  );

export const loginEvent = (more: object = {}) =>
  userLogin.with(
    {
      user_id: 'u1',
      email: 'u1@example.org',
      login_successful: false,
      ip_address: '192.0.2.7',
      user_agent: 'curl/8',
      mfa_used: false,
      ...more,
    },
    { user_id: 'u1' },
  );
