/** A store, a host on it and a small service that emits and handles events: what tests of the bus run on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { loadConfig } from '../../shared/config/config.ts';
import { createSealer } from '../../shared/keys/sealer.ts';
import { createSecrets, secrets } from '../../shared/keys/secrets.ts';
import { Assembly } from '../../shared/kit/adapter.ts';
import type { Context } from '../../shared/kit/context.ts';
import { eventType } from '../../shared/kit/event.ts';
import { callLocal, type Host, invoke } from '../../shared/kit/invoke.ts';
import { type Operation, operation } from '../../shared/kit/operation.ts';
import { type Service, service } from '../../shared/kit/service.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import type { Ports } from '../../shared/ports/index.ts';
import type { Mail } from '../../shared/ports/mailer.ts';
import { type Collection, collection, insert, type Store, update } from '../../shared/ports/store.ts';
import { startWorker, type Worker, type WorkerOptions } from '../../shared/process/worker.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { settings } from '../../shared/system/settings.ts';
import { hostOf, Life } from './life.ts';

/** Time that stands still until a test moves it. */
export class TestClock {
  at = Date.parse('2026-05-09T12:00:00Z');
  now = (): number => this.at;
  pass(ms: number): void {
    this.at += ms;
  }
}

export const context = (): Context => ({
  request_id: 'request-1',
  trace: continueTrace('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
  caller: { kind: 'service', name: 'test', permissions: [] },
  client: {},
  door: 'local',
});

export interface Rig {
  host: Host;
  store: Store;
  clock: TestClock;
  /** `name label=value` → count. */
  counts: Map<string, number>;
  logged: { level: string; code: string; fields: any }[];
  worker(options?: WorkerOptions): Worker;
  run(op: Operation<any, any>, input: unknown): Promise<any>;
  close(): Promise<void>;
}

export const SECRET = Buffer.from('a master secret for tests only, of enough length').toString('base64');
export const testSealer = createSealer(createSecrets(SECRET));

/** Opens a rig on a file, or in memory when none is named. */
export const openRig = async (options: {
  platform: readonly Service[];
  collections: readonly Collection<string, any>[];
  file?: string;
  clock?: TestClock;
  send?: (mail: Mail) => Promise<void>;
}): Promise<Rig> => {
  const { platform, collections, file, clock = new TestClock(), send = async () => {} } = options;
  const counts = new Map<string, number>();
  const logged: Rig['logged'] = [];
  const note =
    (level: string) =>
    (code: string, fields: object = {}): void =>
      void logged.push({ level, code, fields });
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const metrics: Ports['metrics'] = {
    count: (name, labels, by = 1) => {
      const key = [name, ...Object.entries(labels).map(([label, value]) => `${label}=${value}`)].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + by);
    },
    observe: () => {},
    gauge: () => {},
  };
  const config = loadConfig({
    STORE_URL: `sqlite:${file ?? ':memory:'}`,
    PERFECT21_SECRET: SECRET,
    PERFECT21_PUBLIC_URL: 'https://login.example.org',
  });
  const opened = { clock, log, metrics, mailer: { send }, sealer: testSealer };
  const assembly = new Assembly(
    [
      ...Object.entries(opened).map(
        ([port, value]) => ({ port, needs: [], env: [], open: () => ({ port: value }) }) as any,
      ),
      randomIds,
      secrets,
      settings,
      sqliteStore({ version: 1, collections }),
    ],
    config,
  );
  const store = await assembly.get('store');
  const ports = {
    ...{ ...opened, store },
    ids: await assembly.get('ids'),
    secrets: await assembly.get('secrets'),
    settings: await assembly.get('settings'),
  };
  const host: Host = {
    ports: ports as unknown as Ports,
    call: (callee, input, caller) => callLocal(host, callee, input, caller),
  };
  const workers: Worker[] = [];
  return {
    host,
    store,
    clock,
    counts,
    logged,
    worker: (more) => {
      const worker = startWorker(host, platform, more);
      workers.push(worker);
      return worker;
    },
    run: (op, input) => invoke(host, op, input, context()),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await assembly.close();
    },
  };
};

/** A folder that is gone after the test. */
export const temporaryFolder = async (): Promise<{ path: string; remove: () => Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), 'messaging-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};

export const notes = collection<{ text: string }>()('notes');
export const handled = collection<object>()('handled');
export const totals = collection<{ seen: string[] }>()('totals');
export const probeCollections = [notes, handled, totals];

export const noted = eventType({
  type: 'probe.noted',
  key: 'probe.events.noted',
  data: z.strictObject({ text: z.string(), priority: z.int().optional() }),
  priority: ({ priority }) => priority ?? 0,
});
export const QUEUE = 'probe-service.events';

/** Notes a text and says so. */
export const note = operation({
  name: 'probe.note',
  summary: 'Notes a text',
  access: 'service',
  input: z.strictObject({
    id: z.string(),
    text: z.string(),
    user_id: z.string().optional(),
    priority: z.int().optional(),
    delay_ms: z.int().optional(),
  }),
  output: z.object({}),
  emits: [noted],
  writes: [notes],
  run: async ({ store }, { id, text, user_id, priority, delay_ms }) => {
    await store.transact([insert(notes, id, { text })], [noted.with({ text, priority }, { user_id, delay_ms })]);
    return {};
  },
});

/**
 * A platform whose handler appends each text once to the total of its user; `before` may fail or watch.
 */
export const probePlatform = (
  before: (
    envelope: { message_id: string; data: { text: string } },
    context: Context,
  ) => Promise<void> | void = () => {},
): readonly Service[] => {
  const onNoted = operation({
    name: 'probe.on-noted',
    summary: 'Remembers what was noted',
    subscription: { queue: QUEUE, bindings: ['probe.events.*'], types: [noted.type] },
    access: 'service',
    input: envelopeOf(noted),
    output: z.object({}),
    writes: [handled, totals],
    run: async ({ store }, envelope, context) => {
      await before(envelope, context);
      const id = envelope.user_id ?? 'nobody';
      const read = await store.get(totals, id);
      const seen = [...(read?.value.seen ?? []), envelope.data.text];
      const effect = read ? update(totals, read, { seen }) : insert(totals, id, { seen });
      await once(store, insert(handled, envelope.message_id, {}), [effect]);
      return {};
    },
  });
  return [service('probe', [note, onNoted])];
};

/** What the handler remembers of a user, in the order in which it was told. */
export const seenBy = async (store: Store, user = 'nobody'): Promise<string[]> =>
  (await store.get(totals, user))?.value.seen ?? [];

/** A process that dies at its call number `at` of the store, before or after the call took effect. */
export const mortal = (host: Host, at: number, when: 'before' | 'after'): { host: Host; died: () => boolean } => {
  const life = new Life(at, when);
  return { host: hostOf(host, life), died: () => life.over };
};
