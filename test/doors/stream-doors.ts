/** The ways in which rows travel, each by a real client: a call gives rows, or the one row that is its answer. */
import { once } from 'node:events';
import { request as http1Request } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Duplex, Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { LineSplitter } from '../../shared/doors/binding/ndjson.ts';
import { internalPath } from '../../shared/grpc/internal.ts';
import type { Methods } from '../../shared/grpc/message.ts';
import { fromStatus } from '../../shared/grpc/status.ts';
import { AppError, toAppError } from '../../shared/kit/errors.ts';
import { type Host, invoke } from '../../shared/kit/invoke.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { isStream } from '../../shared/kit/stream.ts';
import { context } from './grpc/rig.ts';

export interface StreamCall {
  /** Ends with what went wrong, as an AppError; a caller who stops iterating leaves. */
  rows: AsyncGenerator<any>;
  /** Leaves, whatever is on its way. */
  leave(): void;
}
export interface Given {
  input?: Record<string, unknown>;
  rows?: Iterable<unknown> | AsyncIterable<unknown>;
  token?: string;
}
export interface StreamDoor {
  name: string;
  call(op: Operation<any, any>, given: Given): StreamCall;
  close(): void;
}

/** Writes what it is given as the other side takes it; a text is written as it is. */
const feed = async (into: Writable, rows: Given['rows'], write: (row: unknown) => unknown): Promise<void> => {
  let wake = (): void => {};
  for (const event of ['drain', 'close', 'error']) into.on(event, () => wake());
  for await (const row of rows ?? []) {
    if (into.destroyed || into.errored) return;
    if (into.write(write(row)) || into.destroyed) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  into.end();
};
const line = (row: unknown) => (typeof row === 'string' || Buffer.isBuffer(row) ? row : `${JSON.stringify(row)}\n`);

/** An answer in lines; one that breaks off gives its last line's problem, one that ends whole may not have one. */
async function* linesOf(status: number, body: Readable): AsyncGenerator<any> {
  if (status >= 400) {
    const { code, detail, errors } = JSON.parse(Buffer.concat(await body.toArray()).toString());
    throw new AppError(code, { detail, errors });
  }
  const splitter = new LineSplitter(10_000_000);
  let last: any;
  try {
    for await (const chunk of body) {
      for (const each of splitter.push(chunk)) {
        last = JSON.parse(each.toString());
        if (!last.problem) yield last;
      }
    }
    for (const each of splitter.end()) yield JSON.parse(each.toString());
  } catch (cause) {
    if (!last?.problem) throw new AppError('unavailable', { detail: 'broken off without a word', cause });
    throw new AppError(last.problem.code, { detail: last.problem.detail, errors: last.problem.errors });
  }
  if (last?.problem) throw new Error('a problem in an answer that ended as if it were whole');
}

const place = ({ http: [http] }: Operation<any, any>, input: Record<string, unknown> = {}) => {
  const left = { ...input };
  const path = http!.path.replace(/\{(\w+)\}/g, (_: string, name: string) => {
    const value = left[name];
    delete left[name];
    return String(value);
  });
  const query = new URLSearchParams(left as never).toString();
  return { method: http!.method, path: query ? `${path}?${query}` : path };
};
const headersOf = ({ rows, token }: Given) => ({
  ...(rows && { 'content-type': 'application/x-ndjson' }),
  ...(token && { authorization: `Bearer ${token}` }),
});

export const http1Streams = (url: string): StreamDoor => ({
  name: 'HTTP/1.1',
  close: () => {},
  call: (op, given) => {
    const { method, path } = place(op, given.input);
    const request = http1Request(`${url}${path}`, { method, headers: headersOf(given) });
    request.on('error', () => {});
    const answered = once(request, 'response');
    void feed(request, given.rows, line);
    const rows = async function* () {
      const [response] = await answered.catch((cause) => {
        throw new AppError('unavailable', { detail: 'no answer', cause });
      });
      yield* linesOf(response.statusCode, response);
    };
    return { rows: rows(), leave: () => request.destroy() };
  },
});

export const http2Streams = (url: string): StreamDoor => {
  const session: ClientHttp2Session = connect(url);
  session.on('error', () => {});
  return {
    name: 'HTTP/2',
    close: () => session.destroy(),
    call: (op, given) => {
      const { method, path } = place(op, given.input);
      const stream = session.request(
        { ':method': method, ':path': path, ...headersOf(given) },
        { endStream: !given.rows },
      );
      stream.on('error', () => {});
      const answered = once(stream, 'response');
      if (given.rows) void feed(stream, given.rows, line);
      const rows = async function* () {
        const [headers] = await answered.catch((cause) => {
          throw new AppError('unavailable', { detail: 'no answer', cause });
        });
        yield* linesOf(headers[':status'], stream);
      };
      return { rows: rows(), leave: () => stream.destroy() };
    },
  };
};

const FLOW = loadSync(fileURLToPath(new URL('flow.proto', import.meta.url)), {
  keepCase: true,
  longs: Number,
  defaults: false,
})['perfect21.test.Flow'] as unknown as Record<string, MethodDefinition<object, object>>;

/** The methods of flow.proto as the door takes them. */
export const FLOW_METHODS: Methods = new Map(
  Object.values(FLOW).map((method) => [
    method.path.slice(1),
    {
      ...method,
      requestDeserialize: (reader: any) => {
        const bytes = reader.buf.subarray(reader.pos, reader.len);
        reader.pos = reader.len;
        return method.requestDeserialize(Buffer.from(bytes));
      },
      responseSerialize: (message: object) => method.responseSerialize(message),
    },
  ]),
);

interface Wire {
  path: string;
  encode(row: any): Buffer;
  decode(bytes: Buffer): any;
}
/** A row may be bytes already, to be rude with. */
const grpcCall = (client: Client, op: Operation<any, any>, { input, rows, token }: Given, wire: Wire): StreamCall => {
  const metadata = new Metadata();
  if (token) metadata.set('authorization', `Bearer ${token}`);
  if (rows && input) metadata.set('x-perfect21-parameters-bin', Buffer.from(JSON.stringify(input)));
  const { path, decode } = wire;
  const encode = (row: any) => (Buffer.isBuffer(row) ? row : wire.encode(row));
  const [into, out] = [isStream(op.input), isStream(op.output)];
  const failed = (thrown: any): never => {
    throw thrown.code === undefined || thrown instanceof AppError ? thrown : fromStatus(thrown);
  };
  if (into && !out) {
    const { promise, resolve, reject } = Promise.withResolvers<any>();
    const call = client.makeClientStreamRequest(path, encode, decode, metadata, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
    promise.catch(() => {});
    void feed(call, rows, (row) => row);
    const answer = async function* () {
      yield await promise.catch(failed);
    };
    return { rows: answer(), leave: () => call.cancel() };
  }
  const call = into
    ? client.makeBidiStreamRequest(path, encode, decode, metadata)
    : client.makeServerStreamRequest(path, encode, decode, input ?? {}, metadata);
  call.on('error', () => {});
  if (into) void feed(call as unknown as Duplex, rows, (row) => row);
  const answers = async function* () {
    try {
      for await (const row of call as Readable) yield row;
    } catch (thrown) {
      failed(thrown);
    }
  };
  return { rows: answers(), leave: () => call.cancel() };
};

export const protoStreams = (
  port: number,
  token: string,
  methodOf = (name: string): MethodDefinition<object, object> => FLOW[name.split('/')[1]!]!,
): StreamDoor => {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    name: 'gRPC',
    close: () => client.close(),
    call: (op, given) => {
      const method = methodOf(op.rpc[0]!.method);
      const wire = { path: method.path, encode: method.requestSerialize, decode: method.responseDeserialize };
      return grpcCall(client, op, { token, ...given }, wire);
    },
  };
};

export const internalStreams = (port: number, token: string): StreamDoor => {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    name: 'internal gRPC',
    close: () => client.close(),
    call: (op, given) => {
      const encode = (row: unknown) => Buffer.from(JSON.stringify(row));
      const decode = (bytes: Buffer) => JSON.parse(bytes.toString());
      return grpcCall(client, op, { token, ...given }, { path: internalPath(op), encode, decode });
    },
  };
};

export const localStreams = (host: Host): StreamDoor => ({
  name: 'in process',
  close: () => {},
  call: (op, { input, rows, token }) => {
    const abort = new AbortController();
    const caller = token ? { kind: 'service', name: 'test', permissions: [] } : { kind: 'anonymous' };
    const run = async function* () {
      const given = rows ? { rows, parameters: input } : input;
      const output: any = await invoke(host, op, given, context({ caller, signal: abort.signal, door: 'local' }));
      if (isStream(op.output)) yield* output;
      else yield output;
    };
    const running = run();
    const leave = () => {
      abort.abort(new AppError('cancelled'));
      running.return(undefined).catch(() => {});
    };
    return { rows: running, leave };
  },
});

/** All rows that came, and what ended them. */
export const collect = async ({ rows }: StreamCall): Promise<{ rows: any[]; error?: AppError }> => {
  const got: any[] = [];
  try {
    for await (const row of rows) got.push(row);
  } catch (thrown) {
    return { rows: got, error: toAppError(thrown) };
  }
  return { rows: got };
};
