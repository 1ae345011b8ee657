/** Bounds that grpc-js has no options for: metadata, turns and resets, credentials said twice. */
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { MAX_METADATA, MAX_STREAMS, RESETS } from '../../grpc/limits.ts';
import { toStatus } from '../../grpc/status.ts';
import { AppError } from '../../kit/errors.ts';
import { saidTwice } from '../binding/once.ts';
import type { Connections } from '../connections.ts';
import { makeFair } from '../fairness/fair-http2.ts';
import { NO_OTHER_BRAKE } from '../fairness/reset-brake.ts';

/** What grpc-js makes its HTTP/2 servers with. */
const optionsOf = (server: Server) =>
  (server as unknown as { commonServerOptions: { settings?: object } }).commonServerOptions;

/** grpc-js has no option for the size of metadata; its HTTP/2 settings do. test/doors/grpc/limits.test.ts holds it to that. */
export const limitMetadata = (server: Server): void => {
  const options = optionsOf(server);
  options.settings = { ...options.settings, maxHeaderListSize: MAX_METADATA };
};

/** Node shows grpc-js one of two credentials; here both are seen. */
const refuseTwice = (made: Http2Server): void => {
  const emit = made.emit.bind(made) as (event: string | symbol, ...values: any[]) => boolean;
  made.emit = ((event: string | symbol, ...values: any[]) => {
    if (event !== 'stream' || !saidTwice(values[3] ?? [])) return emit(event, ...values);
    const [stream] = values as [ServerHttp2Stream];
    stream.on('error', () => {});
    const { code, details } = toStatus(new AppError('unauthenticated', { detail: 'Send one authorization' }));
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc+proto', 'grpc-status': code, 'grpc-message': details },
      { endStream: true },
    );
    stream.resume();
    return true;
  }) as typeof made.emit;
};

/** Nor does it show its HTTP/2 servers; it makes them in one place. test/doors/fairness/fairness.test.ts holds it to that. */
export const onServer = (server: Server, see: (made: Http2Server, settings: object) => void): void => {
  const within = server as unknown as {
    commonServerOptions: { settings: object };
    createHttp2Server(credentials: unknown): Http2Server;
  };
  const make = within.createHttp2Server.bind(server);
  within.createHttp2Server = (credentials) => {
    const made = make(credentials);
    see(made, within.commonServerOptions.settings);
    return made;
  };
};

/** Turns, an end for connections that only reset, and one credential a call. */
export const beFair = (server: Server): void => {
  Object.assign(optionsOf(server), NO_OTHER_BRAKE);
  onServer(server, (made, settings) => {
    makeFair(made, settings, { streams: MAX_STREAMS, resets: RESETS });
    refuseTwice(made);
  });
};

/** Counts connections by the service of their calls. `services` says whose a path is. */
export const countCalls = (server: Server, connections: Connections, services: ReadonlyMap<string, string>): void =>
  onServer(server, (made) => {
    made.on('connection', connections.opened);
    made.on('stream', ({ session }, headers) => {
      const service = services.get(headers[':path'] as string);
      if (service !== undefined) connections.asks(session, service);
    });
  });
