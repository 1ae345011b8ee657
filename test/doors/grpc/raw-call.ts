/** Raw unary calls over a real connection: bytes in, bytes or status out. */
import { type Client, Metadata, type ServiceError } from '@grpc/grpc-js';

export interface CallOptions {
  metadata?: Record<string, string>;
  token?: string;
  deadline?: number;
}

export interface Answer {
  code: number;
  details: string;
  message?: Buffer;
  headers: Metadata;
  trailers: Metadata;
}

const bytes = (buffer: Buffer) => buffer;

/** One raw unary call; the failure is an answer too. */
export const rawCall = (
  client: Client,
  path: string,
  message: Uint8Array,
  options: CallOptions = {},
): Promise<Answer> =>
  new Promise((resolve) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
    if (options.token) metadata.set('authorization', `Bearer ${options.token}`);
    let headers = new Metadata();
    const deadline = options.deadline === undefined ? undefined : Date.now() + options.deadline;
    const call = client.makeUnaryRequest(
      path,
      bytes,
      bytes,
      Buffer.from(message),
      metadata,
      { deadline },
      (error: ServiceError | null, answer?: Buffer) =>
        resolve({
          code: error?.code ?? 0,
          details: error?.details ?? '',
          message: answer,
          headers,
          trailers: error?.metadata ?? new Metadata(),
        }),
    );
    call.on('metadata', (received: Metadata) => {
      headers = received;
    });
  });
