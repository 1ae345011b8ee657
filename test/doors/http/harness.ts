/** A door on a free port over a host of plain objects, and raw clients to be rude with. */
import { connect, type Socket } from 'node:net';
import * as z from 'zod';
import { type HttpOptions, type RunningHttp, startHttp } from '../../../shared/doors/http/http.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import type { Host } from '../../../shared/kit/invoke.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { service } from '../../../shared/kit/service.ts';
import type { Ports } from '../../../shared/ports/index.ts';
import { createMetrics } from '../../../shared/system/metrics.ts';

export interface Line {
  level: string;
  code: string;
  [field: string]: unknown;
}

/** What requests wait for in `demo.wait`, and who has arrived there. */
export class Gate {
  arrived = 0;
  #open: (() => void)[] = [];
  pass(): Promise<void> {
    this.arrived += 1;
    return new Promise((resolve) => this.#open.push(resolve));
  }
  open(): void {
    for (const resolve of this.#open.splice(0)) resolve();
  }
}

export const fakeHost = (overrides: Partial<Ports> = {}) => {
  const lines: Line[] = [];
  const write =
    (level: string) =>
    (code: string, fields: object = {}): void =>
      void lines.push({ ...fields, level, code });
  let made = 0;
  const metrics = createMetrics();
  const ports = {
    clock: { now: () => 1_700_000_000_000 },
    ids: { uuid: () => `id-${++made}`, random: () => 'random' },
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    metrics,
    verifier: { verify: async () => ({ valid: false, error: 'malformed' }) },
    ...overrides,
  } as unknown as Ports;
  const host: Host = { ports, call: () => Promise.reject(new Error('nothing is called here')) };
  return { host, lines, metrics };
};

const Echo = z.strictObject({ text: z.string() });

/** One operation for each thing that a door has to carry. */
export const demo = (gate = new Gate()) =>
  service('demo', [
    operation({
      name: 'demo.echo',
      summary: 'Says it back',
      http: { method: 'POST', path: '/api/v1/echo' },
      access: 'public',
      input: Echo,
      output: z.object({ text: z.string(), ip: z.string().optional() }),
      run: (_, { text }, { client }) => ({ text, ip: client.ip }),
    }),
    operation({
      name: 'demo.large',
      summary: 'Takes more than others',
      http: { method: 'PUT', path: '/api/v1/large', limit: 1024 * 1024, status: 204 },
      access: 'public',
      input: Echo,
      output: z.object({}),
      run: () => ({}),
    }),
    operation({
      name: 'demo.get',
      summary: 'Finds one',
      http: { method: 'GET', path: '/api/v1/things/{thing_id}', cache: 'max-age=60' },
      access: 'public',
      input: z.strictObject({ thing_id: z.string(), fields: z.string().optional() }),
      output: z.object({ thing_id: z.string(), fields: z.string().optional() }),
      errors: ['not_found'],
      run: (_, input) => {
        if (input.thing_id === 'missing') throw new AppError('not_found');
        if (input.thing_id === 'broken') throw new Error('secret detail of ours');
        return input;
      },
    }),
    operation({
      name: 'demo.remove',
      summary: 'Removes one',
      http: { method: 'DELETE', path: '/api/v1/things/{thing_id}', status: 204 },
      access: 'user',
      input: z.strictObject({ thing_id: z.string() }),
      output: z.object({}),
      run: () => ({}),
    }),
    operation({
      name: 'demo.wait',
      summary: 'Answers when the gate opens',
      http: { method: 'GET', path: '/api/v1/wait' },
      access: 'public',
      input: z.strictObject({}),
      output: z.object({ waited: z.boolean() }),
      run: async () => {
        await gate.pass();
        return { waited: true };
      },
    }),
  ]);

/** Starts a door that closes with the test. */
export const startDemo = async (
  options: Partial<HttpOptions> & { ports?: Partial<Ports> } = {},
): Promise<RunningHttp & { gate: Gate; lines: Line[]; metrics: Ports['metrics'] } & AsyncDisposable> => {
  const { ports, ...rest } = options;
  const gate = new Gate();
  const { host, lines, metrics } = fakeHost(ports);
  const running = await startHttp(host, [demo(gate)], {
    host: '127.0.0.1',
    port: 0,
    ...rest,
    limits: { drain_ms: 2_000, ...rest.limits },
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= running.stop());
  const dispose = async (): Promise<void> => {
    gate.open();
    await stop();
  };
  return { ...running, stop, gate, lines, metrics, [Symbol.asyncDispose]: dispose };
};

/** A connection that sends what it is told and keeps what it hears. */
export class Wire {
  readonly socket: Socket;
  heard = '';
  readonly closed: Promise<void>;
  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      this.heard += text;
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve()).once('end', () => this.socket.destroy());
    });
  }
  send(text: string | Uint8Array): this {
    this.socket.write(text);
    return this;
  }
  /** Sends and listens until the other side closes. */
  async exchange(text: string | Uint8Array): Promise<string> {
    this.send(text);
    await this.closed;
    return this.heard;
  }
  /** Listens until a text was heard. */
  async hear(part: string): Promise<string> {
    while (!this.heard.includes(part)) {
      await new Promise<void>((resolve, reject) => {
        this.socket.once('data', () => resolve());
        this.socket.once('close', () => reject(new Error(`closed before "${part}", heard: ${this.heard}`)));
      });
    }
    return this.heard;
  }
}

/** Waits until something holds, looking every few milliseconds. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** The status and the problem of a raw HTTP/1.1 answer. */
export const problemOf = (answer: string): { status: number; type?: string; problem: any; headers: string } => {
  const [headers = '', ...body] = answer.split('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(headers)?.[1]),
    type: /^content-type: (.*)$/im.exec(headers)?.[1],
    problem: JSON.parse(body.join('\r\n\r\n') || 'null'),
    headers,
  };
};
