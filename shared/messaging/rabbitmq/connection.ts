/** One connection to RabbitMQ, and what its failures mean. */
import { readFileSync } from 'node:fs';
import { type ChannelModel, connect, credentials } from 'amqplib';
import type { RabbitSettings } from './settings.ts';

const CONNECT_MS = 10_000;
const HEARTBEAT_S = 15;

/** Opens a connection once. @throws Error of the network, of TLS or of the login */
export const open = ({ url, tls = {} }: RabbitSettings, name: string): Promise<ChannelModel> => {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(HEARTBEAT_S));
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return connect(address.href, {
    noDelay: true,
    keepAlive: true,
    timeout: CONNECT_MS,
    clientProperties: { connection_name: `perfect21 ${name}` },
    ...(address.protocol === 'amqps:' && { ca: file(tls.ca), cert: file(tls.cert), key: file(tls.key) }),
    // a client that shows a certificate and names no user is who the certificate says
    ...(tls.cert && !address.username && { credentials: credentials.external() }),
  });
};

/** A hung peer answers no close, so the socket is taken away. */
export const destroy = (model: ChannelModel | undefined): void =>
  (model?.connection as { stream?: { destroy(): void } } | undefined)?.stream?.destroy();

/** What an operator has to know, in one line. */
export const explain = (cause: unknown): string => {
  const text = cause instanceof Error ? cause.message || String((cause as { code?: string }).code) : String(cause);
  if (/ACCESS[-_]REFUSED|403/i.test(text)) return `RabbitMQ refused the login or a right: ${text}`;
  if (/PRECONDITION[-_]FAILED|406/i.test(text)) return `RabbitMQ refused the topology: ${text}`;
  return `RabbitMQ is away: ${text}`;
};
