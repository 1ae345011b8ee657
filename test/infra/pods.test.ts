/** What stands in the manifests, run: podman plays pods of the platform from the image that the project makes. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import type { IPodSpec } from 'kubernetes-models/v1';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { assemble } from '../../infra/container/assemble.ts';
import { FILES, imageOf, SECRETS } from '../../infra/kubernetes/cluster.ts';
import { authority } from '../doors/grpc/certificates.ts';
import { type ImageStore, openImageStore } from '../engines/image-store.ts';
import { openPodman, type Podman } from '../engines/podman.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { USERS } from '../engines/rabbitmq.ts';
import { sharedRabbitmq } from '../engines/shared-rabbitmq.ts';
import { freePort } from '../support/free-port.ts';
import { notHere } from '../support/not-here.ts';
import { type Manifest, manifestsOf } from './manifests.ts';

// podman takes no path of more than 50 characters
const folder = mkdtempSync(join(tmpdir(), 'pods-'));
const closing: (() => unknown)[] = [];
let podman: Podman;
let store: ImageStore;
let postgres: Postgres;
/** With what it left put away, or not yet. */
const ENDED = /^(exited|stopped)$/;
/** Why no pod can be played here. */
let fault: string | undefined;

/** The keys that auth publishes, and a broker that takes clients with certificates only: what a pod of users reaches. */
const around = async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'RS256' };
  const auth = createHttpServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });
  const { port, pathname } = new URL(await sharedRabbitmq());
  const { ca, issue } = authority();
  const options = { ca, ...issue('DNS:localhost'), requestCert: true, rejectUnauthorized: true };
  const broker = createTlsServer(options, (client) => {
    const server = connect(Number(port), '127.0.0.1');
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on('error', () => [client, server].map((each) => each.destroy()));
  });
  const portOf = async (server: Server): Promise<number> => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    closing.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const { cert, key } = issue('DNS:perfect21');
  return {
    keys: `http://127.0.0.1:${await portOf(auth)}/.well-known/jwks.json`,
    bus: `amqps://perfect21:${USERS.perfect21}@localhost:${await portOf(broker)}${pathname}`,
    files: { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key },
  };
};

beforeAll(async () => {
  const tree = join(folder, 'platform');
  store = openImageStore(folder);
  podman = openPodman(folder, store.path);
  fault = await podman.fault();
  if (fault) return;
  await assemble('platform', tree, { whole: true });
  store.build('platform', tree, imageOf('platform'));
  postgres = await startPostgres();
  const { href } = new URL(await postgres.createDatabase());
  const [name, key] = SECRETS.store;
  await podman.secret(name, { [key]: href });
}, 120_000);
afterAll(async () => {
  podman?.close();
  for (const close of closing) close();
  await postgres?.close();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

/** A pod of the manifests, on the network of this machine instead of one of its own and with variables that say so. */
const placed = (manifest: Manifest, place: Readonly<Record<string, string>> = {}): Manifest => {
  const placed = structuredClone(manifest);
  const { containers, volumes }: IPodSpec = placed.spec.template.spec;
  for (const each of containers[0]!.env!) if (place[each.name] !== undefined) each.value = place[each.name];
  // podman 4.3 maps ports on networks of pods only, and ends itself where `optional` is not said
  for (const each of containers) delete each.ports;
  for (const { secret } of volumes!) if (secret) secret.optional = false;
  return placed;
};
const manifest = (kind: string, name: string, file = name): Manifest =>
  manifestsOf(`infra/kubernetes/base/${file}.yaml`).find(
    (each) => each.kind === kind && each.metadata!.name.startsWith(name),
  )!;

test('the pod of the migration brings the store to this release and ends', async ({ task }) => {
  if (fault) return notHere(task, fault);
  const { spec } = placed(manifest('Job', 'migration'));
  // podman 4.3 knows no Job: what a Job makes
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'migration' }, spec: spec.template.spec };
  const [name] = await podman.play(pod);
  // `podman wait` waits 20 s longer
  const ended = await vi.waitFor(async () => {
    const { State } = await podman.inspect(name!);
    expect(State.Status).toMatch(ENDED);
    return State;
  }, 30_000);
  expect(ended.ExitCode).toBe(0);
  expect(await podman.logs(name!)).toContain('the store is as this release needs it');
}, 60_000);

test('the pod of users is ready, as nobody, without a right, on a root that is read only, and drains when it is told to end', async ({
  task,
}) => {
  if (fault) return notHere(task, fault);
  const { keys, bus, files } = await around();
  const ports = { http: await freePort(), grpc: await freePort(), metrics: await freePort() };
  await podman.secret(SECRETS.secret[0], {
    [SECRETS.secret[1]]: Buffer.alloc(32, 'k9').toString('base64'),
    [SECRETS.serviceToken[1]]: `p21s_a_${'x'.repeat(43)}`,
  });
  await podman.secret(SECRETS.bus[0], { [SECRETS.bus[1]]: bus });
  await podman.secret(FILES.rabbitmq.secret, files, 'files');
  const nowhere = `127.0.0.1:${await freePort()}`;
  const others = ['auth', 'permissions', 'sessions', 'notifications'].map((name) => `${name}=${nowhere}`);
  const config = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'perfect21' },
    data: {
      DISCOVERY_URL: `static:users=127.0.0.1:${ports.grpc},${others}`,
      PERFECT21_PUBLIC_URL: 'https://auth.example.org',
      MAIL_FROM: 'Example <no-reply@example.org>',
    },
  };
  const users = placed(manifest('Deployment', 'user-service'), {
    PERFECT21_HTTP_HOST: '127.0.0.1',
    PERFECT21_METRICS_HOST: '127.0.0.1',
    PERFECT21_HTTP_PORT: String(ports.http),
    PERFECT21_GRPC_PORT: String(ports.grpc),
    PERFECT21_METRICS_PORT: String(ports.metrics),
    KEYS_URL: keys,
  });
  const [name] = await podman.play(config, users);
  const readiness = async (): Promise<[number, any]> => {
    const answer = await fetch(`http://127.0.0.1:${ports.http}/readyz`);
    return [answer.status, await answer.json()];
  };
  await vi
    .waitFor(async () => expect((await readiness())[0]).toBe(200), { timeout: 30_000, interval: 20 })
    .catch(async (error) => {
      throw new Error(`${error}: ${await podman.logs(name!)}`);
    });
  const ready = Date.now();
  const { State, HostConfig } = await podman.inspect(name!);
  process.stdout.write(`pod of users: ready ${ready - Date.parse(State.StartedAt)} ms after its container started\n`);
  expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, Memory: 1024 * 2 ** 20 });
  const status = readFileSync(`/proc/${State.Pid}/status`, 'utf8');
  for (const id of ['Uid', 'Gid']) expect(status).toMatch(new RegExp(`^${id}:(\\s65532){4}$`, 'm'));
  for (const rights of ['CapPrm', 'CapEff', 'CapBnd']) expect(status).toMatch(new RegExp(`^${rights}:\\s0+$`, 'm'));
  expect(status).toMatch(/^NoNewPrivs:\s1$/m);
  expect(readFileSync(`/proc/${State.Pid}/mountinfo`, 'utf8')).toMatch(/ \/ ro,/);
  // by the certificates of the mounted Secret
  const checks = { store: { status: 'ok' }, bus: { status: 'ok' } };
  await expect.poll(readiness, { timeout: 30_000 }).toEqual([200, { status: 'ok', checks }]);
  const { terminationGracePeriodSeconds: grace } = users.spec.template.spec;
  await podman.run('stop', '--time', String(grace), name!);
  expect((await podman.inspect(name!)).State).toMatchObject({
    Status: expect.stringMatching(ENDED),
    ExitCode: 0,
    OOMKilled: false,
  });
  expect(await podman.logs(name!)).toMatch(/^stopping: finishing what is in flight\nstopped$/m);
}, 120_000);
