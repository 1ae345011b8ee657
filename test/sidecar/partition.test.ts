import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { connect } from '../../shared/calls/clients/connect.ts';
import { userWithSession } from '../e2e/world.ts';
import { type Network, openNetwork } from '../engines/partition.ts';
import { startTcpProxy } from '../engines/tcp-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { grpcCaller, openPlatform, type Rig, sidecarEnvironment, VALIDATE } from './rig.ts';

const BOUND_MS = 1_000;

/**
 * The platform on one side, a sidecar on the other. Where no network may be made, the wires between them swallow what they
 * carry: it is the same for the feed, and connections that are made meanwhile are taken and not heard.
 */
let network: Network | undefined;
let swallowed = false;
const parted = (yes: boolean): void => {
  swallowed = yes;
  if (yes) network?.part();
  else network?.join();
};
const part = (): void => parted(true);
const heal = (): void => parted(false);

const folder = mkdtempSync(join(tmpdir(), 'perfect21-partition-'));
const socket = join(folder, 'sidecar.sock');
let rig: Rig;
let sidecar: ChildProcess | undefined;
/** Where this side calls the sidecar's gRPC over the network. */
let place: string;

beforeAll(async () => {
  network = openNetwork();
  rig = await openPlatform(network ? { PERFECT21_HTTP_HOST: network.here } : {});
  const { http, grpc } = rig.platform;
  const wire = async (to: number) => (await startTcpProxy(to, () => !swallowed)).port;
  const host = network?.here ?? '127.0.0.1';
  const [httpPort, grpcPort] = network ? [http.port, grpc.port] : [await wire(http.port), await wire(grpc.port)];
  const port = await freePort();
  const env = sidecarEnvironment(rig.platform, {
    SIDECAR_ORIGIN: `http://${host}:${httpPort}`,
    SIDECAR_FEED: `grpc://${host}:${grpcPort}`,
    SIDECAR_SOCKET: socket,
    PERFECT21_MAX_STALENESS: String(BOUND_MS),
    PERFECT21_HTTP_HOST: network?.there ?? '127.0.0.1',
    PERFECT21_GRPC_PORT: String(port),
    NODE_ENV: 'test',
  });
  const command = [process.execPath, 'infra/sidecar/start.mjs'];
  const [program = '', ...words] = network ? network.beyond(...command) : command;
  sidecar = spawn(program, words, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  sidecar.stdout!.on('data', (text) => (said += text));
  await vi.waitFor(() => expect(said).toContain('is ready'), { timeout: 30_000, interval: 20 });
  place = network ? `${network.there}:${port}` : `127.0.0.1:${await wire(port)}`;
}, 60_000);
afterAll(async () => {
  sidecar?.kill('SIGKILL');
  network?.close();
  await rig?.close();
  rmSync(folder, { recursive: true, force: true });
});

const verdicts = () => {
  const caller = grpcCaller(`unix:${socket}`);
  onTestFinished(caller.close);
  return (token: string): Promise<string | number> =>
    caller.call(VALIDATE, { token }).then(
      ({ valid, error_message }) => (valid ? 'valid' : error_message),
      (error) => error.code,
    );
};
const revoke = (session_id: string): void =>
  rig.platform.host.ports.revocations.learn({
    kind: 'sid',
    value: session_id,
    error: 'session_ended',
    created_at: Date.now(),
  });

test('a sidecar that is parted from its platform accepts nothing after the bound, and knows what it missed when they meet again', async () => {
  const verdictOf = verdicts();
  const ended = await userWithSession(rig.world);
  const good = await userWithSession(rig.world);
  expect(await verdictOf(ended.access_token)).toBe('valid');
  part();
  onTestFinished(heal);
  const since = performance.now();
  revoke(ended.session_id);
  const late: unknown[] = [];
  while (performance.now() - since < 2 * BOUND_MS) {
    const asked = performance.now() - since;
    const verdict = await verdictOf(ended.access_token);
    if (asked > BOUND_MS && verdict !== status.UNAVAILABLE) late.push([asked, verdict]);
  }
  expect(late).toEqual([]);
  heal();
  const soon = { timeout: 15_000, interval: 10 };
  await expect.poll(() => verdictOf(good.access_token), soon).toBe('valid');
  expect(await verdictOf(ended.access_token)).toBe('session_ended');
}, 40_000);

test('a client whose instance is parted from it is answered by another one, and never waits longer than it said', async () => {
  const host = network?.here ?? '127.0.0.1';
  const { access_token: token } = await userWithSession(rig.world);
  const own = `${host}:${rig.platform.grpc.port}`;
  const ejected: string[] = [];
  const { auth, close } = connect({
    discovery: { 'auth-service': [place, own] },
    token: rig.platform.credentials.service_token,
    ejected: (_, address) => ejected.push(address),
  });
  onTestFinished(close);
  const lone = connect({ discovery: { 'auth-service': [place] } });
  onTestFinished(() => lone.close());
  const validate = async (client: typeof auth, options: object) => {
    const began = performance.now();
    const said = await client.validateToken({ token }, options).then(
      ({ valid }) => valid,
      (error) => error.code,
    );
    return [said, performance.now() - began] as const;
  };
  for (let call = 0; call < 4; call++) expect((await validate(auth, {}))[0]).toBe(true);
  expect((await validate(lone.auth, {}))[0]).toBe(true);
  part();
  onTestFinished(heal);
  const [said, waited] = await validate(lone.auth, { timeout_ms: 700 });
  expect(said).toMatch(/deadline_exceeded|unavailable/);
  expect(waited).toBeLessThan(1_200);
  for (let call = 0; call < 8; call++) expect((await validate(auth, { timeout_ms: 4_000 }))[0]).toBe(true);
  expect(ejected).toEqual([place]);
  // out, so that nobody waits for it any more
  for (let call = 0; call < 4; call++) expect((await validate(auth, { timeout_ms: 4_000 }))[1]).toBeLessThan(1_000);
}, 60_000);
