import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type DnsPlace, startDns } from '../../../infra/local/apart/dns-server.ts';
import type { Instance } from '../../../shared/calls/discovery/discovery.ts';
import { dns } from '../../../shared/calls/discovery/dns.ts';
import { kubernetes } from '../../../shared/calls/discovery/k8s.ts';
import { clusterDomain, firstOrElse } from '../../../shared/calls/discovery/k8s-or-dns.ts';
import { endpoint, startKubernetes } from './fakes.ts';

const DOMAIN = 'shop.svc.cluster.local';
const LONG = () => AbortSignal.timeout(5_000);

const served = async (...places: DnsPlace[]) => {
  const server = await startDns(DOMAIN, (service) => (service === 'user-service' ? places : []));
  onTestFinished(() => server.close());
  return server.place;
};

describe('DNS', () => {
  test('tells instances by the SRV records of their port grpc, with weights, and the most urgent only', async () => {
    const server = await served(
      { host: '10.0.0.1', port: 50_051, weight: 2 },
      { host: '10.0.0.2', port: 50_052, weight: 0 },
      { host: '10.0.0.3', port: 50_053, priority: 1 },
    );
    const found = await dns({ domain: DOMAIN, server }).lookup('user-service', LONG());
    expect([...found].sort((one, two) => (one.address < two.address ? -1 : 1))).toEqual([
      { address: '10.0.0.1:50051', weight: 2 },
      { address: '10.0.0.2:50052', weight: 0.1 },
    ]);
  });

  test('tells addresses at the port of the URL, where one stands there', async () => {
    const server = await served({ host: '10.0.0.1', port: 1 });
    const registry = dns({ domain: DOMAIN, port: 50_051, server });
    expect(await registry.lookup('user-service', LONG())).toEqual([{ address: '10.0.0.1:50051' }]);
  });

  test('knows of none where there is no such name', async () => {
    const server = await served();
    expect(await dns({ domain: DOMAIN, server }).lookup('user-service', LONG())).toEqual([]);
    expect(await dns({ domain: DOMAIN, port: 1, server }).lookup('user-service', LONG())).toEqual([]);
  });

  test('is away when the time is up', async () => {
    const silent = createSocket('udp4');
    onTestFinished(() => void silent.close());
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const server = `127.0.0.1:${silent.address().port}`;
    await expect(dns({ domain: DOMAIN, server }).lookup('user-service', AbortSignal.timeout(50))).rejects.toThrow(
      'ECANCELLED',
    );
  });

  test('tells who follows what it says', async () => {
    const server = await served({ host: '10.0.0.1', port: 50_051 });
    const ended = new AbortController();
    const told: (readonly Instance[])[] = [];
    const end = dns({ domain: DOMAIN, server }).follow!('user-service', (each) => told.push(each), ended.signal);
    await expect.poll(() => told).toEqual([[{ address: '10.0.0.1:50051' }]]);
    ended.abort();
    await expect(end).rejects.toThrow();
  });
});

describe('in Kubernetes', () => {
  const opened = async () => {
    const cluster = await startKubernetes();
    onTestFinished(cluster.close);
    const server = await served({ host: '10.9.9.9', port: 50_051 });
    const api = kubernetes({ api: cluster.api, namespace: 'shop' }, cluster.folder);
    return { cluster, registry: firstOrElse(api, dns({ domain: DOMAIN, server })) };
  };
  const byApi = { service: 'user-service', endpoints: [endpoint('10.0.0.1')] };

  test('a pod that may not ask the API finds pods by DNS, and by the API as soon as it may', async () => {
    const { cluster, registry } = await opened();
    cluster.slices.push(byApi);
    cluster.state.token = 'another';
    expect(await registry.lookup('user-service', LONG())).toEqual([{ address: '10.9.9.9:50051' }]);
    cluster.state.token = 'token-1';
    expect(await registry.lookup('user-service', LONG())).toEqual([{ address: '10.0.0.1:50051' }]);
  });

  test('DNS is not asked once the API answered: when it is away after that, it is away', async () => {
    const { cluster, registry } = await opened();
    cluster.slices.push(byApi);
    await registry.lookup('user-service', LONG());
    cluster.state.trouble = 'cut off';
    await expect(registry.lookup('user-service', LONG())).rejects.toThrow();
    const follow = registry.follow!('user-service', () => expect.fail('it told something'), LONG());
    await expect(follow).rejects.toThrow();
  });

  test('who follows is told by DNS, too, where the API refuses', async () => {
    const { cluster, registry } = await opened();
    cluster.state.token = 'another';
    const ended = new AbortController();
    const told: (readonly Instance[])[] = [];
    const end = registry.follow!('user-service', (each) => told.push(each), ended.signal);
    await expect.poll(() => told).toEqual([[{ address: '10.9.9.9:50051' }]]);
    ended.abort();
    await expect(end).rejects.toThrow();
  });

  test('the domain of a cluster is what Kubernetes writes into a pod', () => {
    const resolv = 'search shop.svc.corp.example svc.corp.example corp.example\nnameserver 10.96.0.10\n';
    expect(clusterDomain(resolv)).toBe('corp.example');
    expect(clusterDomain('nameserver 1.1.1.1\n')).toBe('cluster.local');
  });
});

describe('who follows Kubernetes', () => {
  const service = 'user-service';
  const following = async () => {
    const cluster = await startKubernetes();
    onTestFinished(cluster.close);
    cluster.slices.push({ service, endpoints: [endpoint('10.0.0.1')] });
    const told: string[][] = [];
    const tell = (found: readonly Instance[]) => told.push(found.map(({ address }) => address));
    const api = kubernetes({ api: cluster.api, namespace: 'shop' }, cluster.folder);
    const ended = new AbortController();
    const end = api.follow!(service, tell, ended.signal);
    end.catch(() => {});
    onTestFinished(() => ended.abort());
    await expect.poll(() => cluster.watches.size).toBe(1);
    return { cluster, told, end };
  };

  test('hears of pods that come, change and go, from all slices of the Service', async () => {
    const { cluster, told } = await following();
    const [url] = cluster.state.requests.slice(-1).map((request) => new URL(request.url!, cluster.api));
    expect(url!.searchParams.get('resourceVersion')).toBe('5');
    const first = ['10.0.0.1:50051'];
    cluster.event('ADDED', { service, name: 'second', endpoints: [{ ...endpoint('10.0.0.2'), zone: 'eu-1a' }] });
    cluster.event('MODIFIED', { service, endpoints: [endpoint('10.0.0.3')] });
    cluster.event('DELETED', { service, name: 'second', endpoints: [] });
    await expect
      .poll(() => told)
      .toEqual([first, [...first, '10.0.0.2:50051'], ['10.0.0.3:50051', '10.0.0.2:50051'], ['10.0.0.3:50051']]);
  });

  test('begins anew when the server does not know any more what happened since', async () => {
    const { cluster, end } = await following();
    cluster.say('{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n');
    await end;
  });

  for (const [name, text] of [
    ['that are no JSON', 'no\n'],
    ['that are no events', '{"type":"ADDED","object":{}}\n'],
    ['without end', `"${'x'.repeat(9 * 1024 * 1024)}`],
  ] as const)
    test(`takes lines ${name} for a registry that is away`, async () => {
      const { cluster, end } = await following();
      cluster.say(text);
      await expect(end).rejects.toThrow();
    });
});
