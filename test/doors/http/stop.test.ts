import { connect as connectHttp2 } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { startDemo, until, Wire } from './harness.ts';

const WAIT = 'GET /api/v1/wait HTTP/1.1\r\nhost: a\r\n\r\n';

describe('a graceful stop', () => {
  it('finishes HTTP/1.1 requests in flight and says that the connection ends', async () => {
    await using door = await startDemo();
    const busy = new Wire(door.port).send(WAIT);
    const idle = new Wire(door.port);
    await idle.send('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n').hear('ok');
    const silent = new Wire(door.port);
    await until(() => door.gate.arrived === 1);
    const stopped = door.stop();
    await Promise.all([idle.closed, silent.closed]);
    expect(busy.heard).toBe('');
    await expect(fetch(`${door.url}/healthz`)).rejects.toThrow();
    door.gate.open();
    await Promise.all([busy.closed, stopped]);
    expect(busy.heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(busy.heard).toMatch(/^connection: close$/im);
    expect(busy.heard).toContain('{"waited":true}');
  });

  it('answers what is pipelined behind, without a 503 of a library’s own', async () => {
    await using door = await startDemo();
    const busy = new Wire(door.port).send(WAIT + WAIT);
    await until(() => door.gate.arrived >= 1);
    const stopped = door.stop();
    await until(() => {
      door.gate.open();
      return busy.socket.destroyed;
    });
    await stopped;
    expect(busy.heard).not.toContain('503');
  });

  it('finishes HTTP/2 streams in flight behind a GOAWAY', async () => {
    await using door = await startDemo();
    const session = connectHttp2(door.url);
    session.on('error', () => {});
    const goaway = new Promise<number>((resolve) => session.once('goaway', resolve));
    const closed = new Promise((resolve) => session.once('close', resolve));
    const stream = session.request({ ':path': '/api/v1/wait' });
    let body = '';
    stream.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    await until(() => door.gate.arrived === 1);
    const stopped = door.stop();
    expect(await goaway).toBe(0);
    door.gate.open();
    await Promise.all([closed, stopped]);
    expect(body).toBe('{"waited":true}');
  });

  it('does not wait for ever', async () => {
    await using door = await startDemo({ limits: { drain_ms: 30 } });
    const stuck = new Wire(door.port).send(WAIT);
    const session = connectHttp2(door.url);
    session.on('error', () => {});
    session.request({ ':path': '/api/v1/wait' }).on('error', () => {});
    const closed = new Promise((resolve) => session.once('close', resolve));
    await until(() => door.gate.arrived === 2);
    await Promise.all([door.stop(), stuck.closed, closed]);
    expect(stuck.heard).toBe('');
  });

  it('closes a door nobody used', async () => {
    await using door = await startDemo();
    await door.stop();
    await expect(fetch(`${door.url}/healthz`)).rejects.toThrow();
  });
});
