/**
 * A client of one service of AWS that speaks JSON (DynamoDB, KMS, Secrets Manager): a POST, signed by aws4.
 *
 * Importing it costs 20 ms of CPU where the SDK's client of DynamoDB costs 85, which is what a function pays before its
 * first answer (infra/decisions/0015-a-small-client-for-aws.md). It repeats nothing: who calls knows what may be repeated.
 */
// through the default exports, which tracers replace
import http from 'node:http';
import https from 'node:https';
import aws4 from 'aws4';
import { type AwsOptions, credentialsOf, endpointOf, regionOf } from './settings.ts';

interface Service {
  /** As it is signed, and as its host begins. */
  name: 'dynamodb' | 'kms' | 'secretsmanager';
  /** As in `AWS_ENDPOINT_URL_<NAME>`. */
  variable: string;
  /** Before the dot of `X-Amz-Target`. */
  target: string;
  json: '1.0' | '1.1';
}

const SERVICES = {
  dynamodb: { name: 'dynamodb', variable: 'DYNAMODB', target: 'DynamoDB_20120810', json: '1.0' },
  kms: { name: 'kms', variable: 'KMS', target: 'TrentService', json: '1.1' },
  secretsmanager: { name: 'secretsmanager', variable: 'SECRETS_MANAGER', target: 'secretsmanager', json: '1.1' },
} satisfies Record<string, Service>;

/** A refusal of AWS, in the shape that its SDK gives it; what else the answer says (`Item`, `CancellationReasons`) is beside. */
export class AwsError extends Error {
  readonly $metadata: { httpStatusCode: number };
  [member: string]: unknown;

  constructor(status: number, body: Record<string, unknown>) {
    const { __type, message, Message, ...more } = body;
    super(String(message ?? Message ?? `AWS answered ${status}`));
    Object.assign(this, more);
    this.name = String(__type ?? 'UnknownError')
      .split('#')
      .at(-1)!;
    this.$metadata = { httpStatusCode: status };
  }
}

/** Nobody answered in time. The request may have been heard. */
const late = (ms: number): Error =>
  Object.assign(new Error(`AWS did not answer within ${ms} ms`), { name: 'TimeoutError' });

const CONNECT_MS = 1_000;
const ANSWER_MS = 2_000;

export interface AwsClient {
  /**
   * Calls an operation with its input as AWS documents it.
   *
   * @throws AwsError for a refusal; Error named `TimeoutError` after 2 s, or with the `code` of a broken connection
   */
  call(operation: string, input: object): Promise<any>;
  /** Name or address that requests go to; known after the first one. */
  host(): string;
  close(): void;
}

/** @example const kms = awsClient('kms'); await kms.call('GetPublicKey', { KeyId: 'alias/signing' }); */
export const awsClient = (service: keyof typeof SERVICES, options: AwsOptions = {}): AwsClient => {
  const { name, variable, target, json } = SERVICES[service];
  let agent: http.Agent | undefined;
  let at: Promise<{ region: string; url: URL }> | undefined;
  let host = '';

  const place = async (): Promise<{ region: string; url: URL }> => {
    const region = await regionOf(options);
    const url = endpointOf(name, variable, region, options);
    host = url.hostname;
    return { region, url };
  };

  const send = (url: URL, request: http.RequestOptions, body: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const via = url.protocol === 'https:' ? https : http;
      agent ??= new via.Agent({ keepAlive: true, maxSockets: 50 });
      const sent = via.request({ ...request, agent });
      const timer = setTimeout(() => sent.destroy(late(ANSWER_MS)), ANSWER_MS);
      let connecting: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(timer);
        clearTimeout(connecting);
      };
      sent.on('socket', (socket) => {
        if (!socket.connecting) return;
        connecting = setTimeout(() => sent.destroy(late(CONNECT_MS)), CONNECT_MS);
        socket.once('connect', () => clearTimeout(connecting));
      });
      sent.on('error', (error) => {
        end();
        reject(error);
      });
      sent.on('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', (error) => {
          end();
          reject(error);
        });
        answer.on('end', () => {
          end();
          resolve({ status: answer.statusCode ?? 500, text: Buffer.concat(chunks).toString() });
        });
      });
      sent.end(body);
    });

  return {
    call: async (operation, input) => {
      at ??= place().catch((error) => {
        at = undefined;
        throw error;
      });
      const { region, url } = await at;
      const body = JSON.stringify(input);
      const request = aws4.sign(
        {
          service: name,
          region,
          method: 'POST',
          host: url.host,
          path: '/',
          headers: {
            'Content-Type': `application/x-amz-json-${json}`,
            'X-Amz-Target': `${target}.${operation}`,
          },
          body,
        },
        await credentialsOf(options),
      );
      const { hostname, port } = url;
      const { status, text } = await send(
        url,
        { ...request, host: hostname, hostname, port } as http.RequestOptions,
        body,
      );
      let answer: Record<string, unknown>;
      try {
        answer = text ? JSON.parse(text) : {};
      } catch {
        // a gateway between us and AWS speaks of itself in HTML
        answer = {};
      }
      if (status !== 200) throw new AwsError(status, answer);
      return answer;
    },
    host: () => host,
    close: () => agent?.destroy(),
  };
};
