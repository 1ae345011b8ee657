/** What a process shows to other machines without protection. */
import { isIPv4 } from 'node:net';
import type { Config } from '../config/config.ts';

/** Whether only this machine reaches an address. */
export const isOwn = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** A line for each opening; `doors`: whether there are doors beside that of the metrics. No reason not to start: a proxy or a network in front may be what protects it. */
export const exposureOf = ({ http, grpc, env, tls }: Config, doors = true): string[] => {
  const metrics = env.PERFECT21_METRICS_HOST;
  const open: string[] = [];
  if (doors && !isOwn(http.host) && !tls?.cert)
    open.push(
      `HTTP (port ${http.port}) and gRPC (${grpc.port}) take passwords and tokens in plain text from everybody who reaches ${http.host}: set PERFECT21_TLS_CERT and PERFECT21_TLS_KEY, or let only a proxy with TLS reach them`,
    );
  if (!isOwn(metrics))
    open.push(
      `/metrics and /status (port ${env.PERFECT21_METRICS_PORT}) are open to everybody who reaches ${metrics}: let only what collects them do so`,
    );
  return open;
};
