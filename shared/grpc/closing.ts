/**
 * How connections end. While they close Node sends no ping there, and grpc-js takes that for a dead connection and cuts the
 * calls that were to finish: so none is sent. What does not finish in time is cut by us.
 *
 * grpc-js offers no way in for that; its version is pinned, and test/doors/grpc/strict.test.ts fails when this does not
 * work any more.
 */
import { type ClientHttp2Session, constants, type ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { Http2SubchannelConnector } from '@grpc/grpc-js/build/src/transport.js';

interface Transport {
  session: ClientHttp2Session;
  canSendPing(): boolean;
}

/** For a server that is about to stop. */
export const pingNoMore = (server: Server): void => {
  (server as unknown as { keepaliveTimeMs: number }).keepaliveTimeMs = 0;
};

/** Ends what is left of connections and calls. grpc-js forgets the connections that channelz does not count. */
export const cutOff = (server: Server): void => {
  const { http2Servers } = server as unknown as {
    http2Servers: ReadonlyMap<unknown, { sessions: Iterable<ServerHttp2Session> }>;
  };
  const left = [...http2Servers.values()].flatMap(({ sessions }) => [...sessions]);
  server.forceShutdown();
  for (const session of left) session.destroy(undefined, constants.NGHTTP2_CANCEL);
};

let patient = false;
/** For all clients of grpc-js in this process. */
export const beClosedInPeace = (): void => {
  if (patient) return;
  patient = true;
  const { prototype } = Http2SubchannelConnector as unknown as {
    prototype: { connect(...values: unknown[]): Promise<Transport> };
  };
  const { connect } = prototype;
  prototype.connect = async function (...values) {
    const transport = await connect.apply(this, values);
    const may = transport.canSendPing.bind(transport);
    transport.canSendPing = () => !transport.session.closed && may();
    return transport;
  };
};
