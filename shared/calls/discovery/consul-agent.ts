/** The HTTP API of a Consul agent: whom it is, and with which token it is asked. */
import { readFileSync } from 'node:fs';
import { StartError } from '../../config/start-error.ts';
import { getJson, type JsonAnswer, putJson } from './get-json.ts';

export interface ConsulOptions {
  url: string;
  token?: string;
  /** A file in PEM. */
  ca?: string;
}

export interface ConsulAgent {
  get(path: string, signal: AbortSignal): Promise<JsonAnswer>;
  /** Gives the status that it answered with. */
  put(path: string, body: object | undefined, signal: AbortSignal): Promise<number>;
}

const readCa = (file: string | undefined): string | undefined => {
  try {
    return file && readFileSync(file, 'utf8');
  } catch (cause) {
    throw new StartError(`CONSUL_CACERT: ${file} can't be read`, { cause });
  }
};

/** @throws StartError when the authority's file can't be read */
export const consulAgent = (options: ConsulOptions): ConsulAgent => {
  const ca = readCa(options.ca);
  const headers: Record<string, string> = options.token ? { 'x-consul-token': options.token } : {};
  return {
    get: (path, signal) => getJson(new URL(path, options.url), { headers, ca, signal }),
    put: (path, body, signal) => putJson(new URL(path, options.url), body, { headers, ca, signal }),
  };
};
