import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { cached } from '../../../shared/calls/discovery/cached.ts';
import { consul } from '../../../shared/calls/discovery/consul.ts';
import type { Instance } from '../../../shared/calls/discovery/discovery.ts';
import { dns } from '../../../shared/calls/discovery/dns.ts';
import { type Registered, register } from '../../../shared/calls/discovery/registration.ts';
import { type Consul, startConsulAgent } from '../../engines/consul.ts';
import { rigPorts, startConsul } from './fakes.ts';

/** A sign of life comes every 3 s, and so does the agent's look at a gRPC health. */
const SOON = { timeout: 9_000, interval: 25 };

describe('a real Consul', () => {
  let agent: Consul;
  beforeAll(async () => {
    agent = await startConsulAgent();
  }, 60_000);
  afterAll(() => agent?.close());

  let made = 0;
  /** A service of this test alone. */
  const name = (): string => `test-${++made}-service`;
  const entered = async (service: string, more: Partial<Registered> = {}) => {
    const { ports, logged } = rigPorts();
    const state = { well: true };
    const ready = async () => state.well;
    const own = { services: [service], host: '127.0.0.1', port: 50_051, check: 'ttl' as const, ...more };
    const registration = await register({ url: agent.url }, own, { log: ports.log, ready });
    onTestFinished(() => registration.stop());
    return { registration, state, logged };
  };
  const passing = () => consul({ url: agent.url });
  const found = (service: string) => passing().lookup(service, AbortSignal.timeout(5_000));
  const watched = (service: string) => {
    const rig = rigPorts();
    const discovery = cached(passing(), rig.ports);
    onTestFinished(() => discovery.close());
    const told: (readonly Instance[])[] = [];
    discovery.watch(service, (instances) => told.push(instances));
    return { ...rig, discovery, told, last: () => told.at(-1)?.map(({ address }) => address) };
  };

  test('lists a process from its start to its stop, and who watches hears of both at once', async () => {
    const service = name();
    const { last, discovery } = watched(service);
    expect(await discovery.instances(service)).toEqual([]);
    await expect.poll(last).toEqual([]);
    const { registration } = await entered(service);
    // half a second, where asking again and again would take twenty
    await expect.poll(last, { timeout: 500, interval: 5 }).toEqual(['127.0.0.1:50051']);
    await registration.stop();
    await expect.poll(last, { timeout: 500, interval: 5 }).toEqual([]);
  });

  test('tells the zone and the weight that a process was given', async () => {
    const service = name();
    await entered(service, { zone: 'eu-1a', weight: 3 });
    await entered(service, { port: 50_052 });
    expect(await found(service)).toEqual([
      { address: '127.0.0.1:50051', zone: 'eu-1a', weight: 3 },
      { address: '127.0.0.1:50052' },
    ]);
  });

  test('hears of a process that is not well, and that it is again', async () => {
    const service = name();
    const { state } = await entered(service);
    const { last } = watched(service);
    await expect.poll(last).toEqual(['127.0.0.1:50051']);
    state.well = false;
    await expect.poll(last, SOON).toEqual([]);
    state.well = true;
    await expect.poll(last, SOON).toEqual(['127.0.0.1:50051']);
  }, 20_000);

  test('asks the gRPC health of a process that wants that', async () => {
    const health = new HealthImplementation({ '': 'SERVING' });
    const server = new Server();
    health.addToServer(server);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    onTestFinished(() => server.forceShutdown());
    const service = name();
    await entered(service, { port, check: 'grpc' });
    const { last } = watched(service);
    await expect.poll(last).toEqual([`127.0.0.1:${port}`]);
    health.setStatus('', 'NOT_SERVING');
    await expect.poll(last, SOON).toEqual([]);
    health.setStatus('', 'SERVING');
    await expect.poll(last, SOON).toEqual([`127.0.0.1:${port}`]);
  }, 20_000);

  test('serves the same by DNS', async () => {
    const service = name();
    await entered(service);
    const registry = dns({ domain: 'service.consul', port: 50_051, server: agent.dns });
    expect(await registry.lookup(service, AbortSignal.timeout(5_000))).toEqual([{ address: '127.0.0.1:50051' }]);
    expect(await registry.lookup(name(), AbortSignal.timeout(5_000))).toEqual([]);
  });

  test('that stands still takes nothing away; the last answer goes on, and so does the process', async () => {
    const service = name();
    const { registration, logged } = await entered(service);
    const { discovery, clock } = watched(service);
    await discovery.instances(service);
    agent.pause();
    clock.at += 60_000;
    expect(await discovery.instances(service)).toEqual([{ address: '127.0.0.1:50051' }]);
    await expect.poll(() => logged.map(({ code }) => code), SOON).toEqual(['registration.away']);
    agent.resume();
    await expect.poll(() => logged.map(({ code }) => code), SOON).toEqual(['registration.away', 'registration.back']);
    await registration.stop();
    expect(await found(service)).toEqual([]);
  }, 30_000);

  test('that was killed and knows nothing any more is told again; its index went back, and who watches hears of what comes', async () => {
    const service = name();
    await entered(service);
    const { last, discovery } = watched(service);
    await expect.poll(last).toEqual(['127.0.0.1:50051']);
    await agent.kill();
    await agent.start();
    await expect.poll(() => found(service), SOON).toEqual([{ address: '127.0.0.1:50051' }]);
    await entered(service, { port: 50_052 });
    await expect.poll(last, SOON).toEqual(['127.0.0.1:50051', '127.0.0.1:50052']);
    expect(await discovery.instances(service)).toHaveLength(2);
  }, 30_000);
});

describe('who follows Consul', () => {
  const following = async () => {
    const agent = await startConsul();
    onTestFinished(agent.close);
    const ended = new AbortController();
    const told: string[][] = [];
    const tell = (found: readonly Instance[]) => told.push(found.map(({ address }) => address));
    const end = consul({ url: agent.url }).follow!('user-service', tell, ended.signal);
    end.catch(() => {});
    onTestFinished(() => ended.abort());
    const questions = () => agent.state.requests.map(({ url }) => new URL(url!, agent.url).searchParams.get('index'));
    return { agent, told, end, ended, questions };
  };

  test('waits for the index that it was told, and forgets one when it went back', async () => {
    const { agent, told, questions } = await following();
    await expect.poll(questions).toEqual([null, '7']);
    agent.services.set('user-service', [{ port: 50_051 }]);
    await expect.poll(questions).toEqual([null, '7', '8']);
    // a server that was restored from an older state
    agent.services.move(2);
    await expect.poll(questions).toEqual([null, '7', '8', null, '2']);
    expect(told).toEqual([[], ['10.1.0.1:50051'], ['10.1.0.1:50051'], ['10.1.0.1:50051']]);
  });

  test('does not wait for an index that there is not', async () => {
    const { agent, end, questions } = await following();
    await expect.poll(questions).toEqual([null, '7']);
    agent.services.move(0);
    await end;
    expect(questions()).toEqual([null, '7']);
  });

  test('ends at once when nobody watches any more', async () => {
    const { end, ended, questions } = await following();
    await expect.poll(questions).toHaveLength(2);
    ended.abort();
    await expect(end).rejects.toThrow();
  });
});
