/** A platform whose dependencies a test takes away and gives back. */

import type { Dependency } from '../../functions/degradation.ts';
import { schema } from '../../functions/index.ts';
import { remoteCaller } from '../../shared/calls/remote.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { mailer } from '../../shared/delivery/email/mailer.ts';
import { pusher } from '../../shared/delivery/push/pusher.ts';
import { smsSender } from '../../shared/delivery/sms/sms-sender.ts';
import { storeFeed } from '../../shared/keys/store-feed.ts';
import type { Adapter } from '../../shared/kit/adapter.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { callLocal, type Host } from '../../shared/kit/invoke.ts';
import { serviceOf } from '../../shared/kit/service-name.ts';
import type { Store } from '../../shared/ports/store.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { startKms } from '../engines/kms.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { testEnvironment } from '../support/platform.ts';
import { openRig, type Rig } from './rig.ts';

/** Nobody listens at the first port. */
const NOWHERE = '127.0.0.1:1';

export interface AwayRig extends Rig {
  /** Takes a dependency away: whoever runs on the host that it gives is without it. */
  without(dependency: Dependency): Host;
  /** Gives all back. */
  back(): void;
}

const unavailable = (): AppError => new AppError('unavailable', { cause: new Error('taken away by a test') });

/** The store, of which nothing can be asked while it is away; of whose outbox nobody takes while the bus is. */
const severed = (store: Store, isAway: (dependency: Dependency) => boolean): Store => {
  const guarded = <T extends object>(whole: T, own: Partial<T> = {}): T =>
    new Proxy(whole, {
      get: (target, name) => {
        const found = (own as any)[name] ?? (target as any)[name];
        if (typeof found !== 'function' || name === 'onCommit' || name === 'close') return found;
        return (...sent: unknown[]) => {
          if (!isAway('store')) return found.apply(target, sent);
          if (name === 'others') throw unavailable();
          return Promise.reject(unavailable());
        };
      },
    });
  const { messages } = store;
  const claim: typeof messages.claim = async (queue, options) =>
    queue === OUTBOX && isAway('bus') ? [] : messages.claim(queue, options);
  return guarded(store, { messages: guarded(messages, { claim }) });
};

/** The port of an adapter, or while it is away that of one which is configured to talk to nobody. */
const elsewhere = (
  real: Adapter<any, any>,
  isAway: () => boolean,
  config: (given: any) => object,
): Adapter<any, any> => ({
  ...real,
  open: async (ports: any, given: any) => {
    const [there, nowhere] = [await real.open(ports, given), await real.open(ports, { ...given, ...config(given) })];
    return {
      port: { send: (...sent: any[]) => (isAway() ? nowhere : there).port.send(...sent) },
      close: async () => void (await Promise.all([there.close?.(), nowhere.close?.()])),
    };
  },
});

/** @example const rig = await openAwayRig(); const host = rig.without('keys'); … rig.back(); await rig.close(); */
export const openAwayRig = async (): Promise<AwayRig> => {
  const away = new Set<Dependency>();
  const isAway = (dependency: Dependency): boolean => away.has(dependency);
  const kms = await startKms();
  kms.add('signing', 'ECC_NIST_P256');
  kms.addSymmetric('seeds');
  stubEnvironment(awsEnvironment({ KMS: kms.endpoint }));
  const store = sqliteStore(schema);
  const mailbox = { transport: 'mailbox', url: `http://${NOWHERE}` };
  const replace: Adapter<any, any>[] = [
    {
      ...store,
      open: async (...given) => {
        const { port, close } = await store.open(...given);
        return { port: severed(port, isAway), ...(close && { close }) };
      },
    } as Adapter<any, any>,
    {
      ...storeFeed,
      open: async (...given) => {
        const { port, close } = await storeFeed.open(...given);
        const feed = {
          follow: (take) => port.follow((message) => void (isAway('feed') || take(message))),
          catchUp: (from) => (isAway('feed') ? Promise.reject(unavailable()) : port.catchUp(from)),
        } satisfies typeof port;
        return { port: feed, ...(close && { close }) };
      },
    },
    elsewhere(
      mailer,
      () => isAway('mailer'),
      ({ mail }) => ({
        mail: { ...mail, providers: [{ transport: 'smtp', url: `smtp://${NOWHERE}` }] },
      }),
    ),
    elsewhere(
      smsSender,
      () => isAway('sms'),
      ({ sms }) => ({ sms: { ...sms, providers: [mailbox] } }),
    ),
    elsewhere(
      pusher,
      () => isAway('push'),
      ({ push }) => ({ push: { ...push, providers: [mailbox] } }),
    ),
  ];
  const rig = await openRig({ KEYS_URL: 'kms:signing', VAULT: 'kms:seeds' }, replace);
  const { host } = rig.platform;
  const { discovery } = loadConfig(
    testEnvironment('', {
      DISCOVERY_URL: `static:${['auth', 'users', 'permissions', 'sessions', 'notifications'].map((name) => `${name}=${NOWHERE}`).join(',')}`,
    }),
  );
  if (discovery.registry !== 'static') throw new Error('addresses were given');
  const remote = remoteCaller({ discovery: discovery.addresses, token: rig.world.service_token });

  return {
    ...rig,
    without: (dependency) => {
      away.add(dependency);
      kms.state.down = isAway('keys');
      const gone = serviceOf({ name: `${dependency === 'standing' ? 'permissions' : dependency}.` });
      const other: Host = {
        ...host,
        call: (callee, input, context) =>
          serviceOf(callee) === gone ? remote.call(callee, input, context) : callLocal(other, callee, input, context),
      };
      return other;
    },
    back: () => {
      away.clear();
      kms.state.down = false;
    },
    close: async () => {
      remote.close();
      await rig.close();
      await kms.close();
    },
  };
};
