/** Every open connection is one in `perfect21_active_connections`, whichever door took it, under one service. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { startGrpc } from '../../shared/doors/grpc/grpc.ts';
import { startHttp } from '../../shared/doors/http/http.ts';
import { operation } from '../../shared/kit/operation.ts';
import { type Service, service } from '../../shared/kit/service.ts';
import { exposition } from '../../shared/system/metrics.ts';
import { rawCall } from './grpc/raw-call.ts';
import { fakeHost, until } from './http/harness.ts';

const one = (name: string) =>
  service(name, [
    operation({
      name: `${name}.ask`,
      summary: 'Answers',
      http: { method: 'GET', path: `/api/v1/${name}` },
      access: 'public',
      input: z.object({}),
      output: z.object({}),
      run: () => ({}),
    }),
  ]);
const token = 'p21s_caller_of_everything';

/** Both doors of a process, and what it says of its connections. */
const startDoors = async (services: readonly Service[]) => {
  const serviceTokens = { verify: async () => ({ name: 'caller', permissions: ['internal:call'] }) };
  const { host, metrics } = fakeHost({ serviceTokens } as never);
  const http = await startHttp(host, services, { host: '127.0.0.1', port: 0 });
  const grpc = await startGrpc(host, services, { port: 0 });
  const open = async (): Promise<Record<string, number>> => {
    const { body } = await exposition(metrics);
    const series = body.matchAll(/^perfect21_active_connections\{service="([^"]*)"\} (\d+)$/gm);
    return Object.fromEntries([...series].map(([, name, count]) => [name!, Number(count)]));
  };
  return {
    http,
    grpc,
    shows: (expected: Record<string, number>) =>
      until(async () => JSON.stringify(await open()) === JSON.stringify(expected)),
    [Symbol.asyncDispose]: async () => {
      await http.stop();
      await grpc.stop();
    },
  };
};

const plain = async (port: number): Promise<Socket & { ask(path: string): Promise<unknown> }> => {
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const ask = (path: string) =>
    new Promise((resolve) => {
      socket.once('data', resolve);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
    });
  return Object.assign(socket, { ask });
};
const session = async (url: string): Promise<ClientHttp2Session> => {
  const client = connectHttp2(url);
  await new Promise((resolve) => client.once('connect', resolve));
  return client;
};

describe('the connections of a process', () => {
  test('with several services count for the one that each asked last, and for the process before', async () => {
    await using doors = await startDoors([one('auth'), one('users')]);
    await doors.shows({ perfect21: 0 });
    const socket = await plain(doors.http.port);
    await doors.shows({ perfect21: 1 });
    await socket.ask('/api/v1/auth');
    await doors.shows({ perfect21: 0, 'auth-service': 1 });
    await socket.ask('/api/v1/users');
    await doors.shows({ perfect21: 0, 'auth-service': 0, 'user-service': 1 });
    socket.destroy();
    await doors.shows({ perfect21: 0, 'auth-service': 0, 'user-service': 0 });
  });

  test('count over HTTP/2 and gRPC as they do over HTTP/1.1, in the same series', async () => {
    await using doors = await startDoors([one('auth'), one('users')]);
    const h2 = await session(doors.http.url);
    await new Promise((resolve) => h2.request({ ':path': '/api/v1/users' }).once('response', resolve).end());
    await doors.shows({ perfect21: 0, 'user-service': 1 });
    const client = new Client(`127.0.0.1:${doors.grpc.port}`, credentials.createInsecure());
    const call = (name: string) => rawCall(client, `/perfect21.internal.${name}/ask`, Buffer.from('{}'), { token });
    expect((await call('users')).code).toBe(0);
    await doors.shows({ perfect21: 0, 'user-service': 2 });
    expect((await call('auth')).code).toBe(0);
    await doors.shows({ perfect21: 0, 'user-service': 1, 'auth-service': 1 });
    client.close();
    await doors.shows({ perfect21: 0, 'user-service': 1, 'auth-service': 0 });
    h2.destroy();
    await doors.shows({ perfect21: 0, 'user-service': 0, 'auth-service': 0 });
  });

  test('with one service count for it from the beginning, at both doors', async () => {
    await using doors = await startDoors([one('auth')]);
    const socket = await plain(doors.http.port);
    const h2 = await session(`http://127.0.0.1:${doors.grpc.port}`);
    await doors.shows({ 'auth-service': 2 });
    await socket.ask('/api/v1/auth');
    await doors.shows({ 'auth-service': 2 });
    socket.destroy();
    h2.destroy();
    await doors.shows({ 'auth-service': 0 });
  });
});
