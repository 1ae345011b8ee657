/** One connection to RabbitMQ, and what its failures mean. */
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { type ChannelModel, connect, credentials } from 'amqplib';
import type { RabbitSettings } from './settings.ts';

const CONNECT_MS = 10_000;
const HEARTBEAT_S = 15;
/** Bytes. */
const MOST_TOGETHER = 256 * 1024;

/**
 * amqplib writes every message by itself: a system call and a segment for each. What it writes in one go leaves in one go:
 * half the work for this process, and less for the broker.
 */
const writeTogether = (stream: Writable): void => {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let corked = false;
  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };
  stream.write = (...args: unknown[]): boolean => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return write(...args);
  };
};

const streamOf = (model: ChannelModel): Writable => (model.connection as unknown as { stream: Writable }).stream;

/** Opens a connection once. @throws Error of the network, of TLS or of the login */
export const open = async ({ url, tls = {} }: RabbitSettings, name: string): Promise<ChannelModel> => {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(HEARTBEAT_S));
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const options = {
    noDelay: true,
    keepAlive: true,
    writableHighWaterMark: MOST_TOGETHER,
    timeout: CONNECT_MS,
    clientProperties: { connection_name: `perfect21 ${name}` },
    ...(address.protocol === 'amqps:' && { ca: file(tls.ca), cert: file(tls.cert), key: file(tls.key) }),
    // a client that shows a certificate and names no user is who the certificate says
    ...(tls.cert && !address.username && { credentials: credentials.external() }),
  };
  const model = await connect(address.href, options);
  writeTogether(streamOf(model));
  return model;
};

/** A hung peer answers no close, so the socket is taken away. */
export const destroy = (model: ChannelModel | undefined): void => void (model && streamOf(model)?.destroy());

/** What an operator has to know, in one line. By the names of replies: their numbers stand in ports as well. */
export const explain = (cause: unknown): string => {
  const text = cause instanceof Error ? cause.message || String((cause as { code?: string }).code) : String(cause);
  if (/ACCESS[-_]REFUSED/i.test(text)) return `RabbitMQ refused the login or a right: ${text}`;
  if (/PRECONDITION[-_]FAILED/i.test(text)) return `RabbitMQ refused the topology: ${text}`;
  return text.startsWith('RabbitMQ ') ? text : `RabbitMQ is away: ${text}`;
};
