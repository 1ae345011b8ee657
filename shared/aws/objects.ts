/** Objects of a bucket in S3: read, written, written in parts, and addresses by which others may do so for a while. */
import { createHash } from 'node:crypto';
import aws4 from 'aws4';
import { AppError } from '../kit/errors.ts';
import { AwsError } from './client.ts';
import { type AwsOptions, credentialsOf, regionOf } from './settings.ts';

const ANSWER_MS = 30_000;

/** Bytes that each part of an object has at least, the last one left out. */
export const LEAST_PART = 5 * 1024 * 1024;

export interface Found {
  body: Buffer;
  /** Of this version of it. */
  etag: string;
  /** Bytes of the whole. */
  size: number;
}

export interface Objects {
  /** Undefined for one that is not there. @param range bytes of it; at its end nothing */
  get(key: string, range?: { from: number; length: number }): Promise<Found | undefined>;
  /** Gives its ETag. @param only if there is none yet, or this version; else undefined and nothing was written */
  put(key: string, body: string | Buffer, only?: { absent: true } | { etag: string }): Promise<string | undefined>;
  remove(key: string): Promise<void>;
  /** Begins an object of parts, gives the name of this writing. */
  begin(key: string): Promise<string>;
  /** Writes a part, the first is 1. Gives its ETag. */
  part(key: string, upload: string, number: number, body: Buffer): Promise<string>;
  /** Makes one object of its parts. Done already is done. */
  complete(key: string, upload: string, etags: readonly string[]): Promise<void>;
  /** An address that is good for so many seconds. @param headers that whoever uses it has to send */
  presign(method: 'GET' | 'PUT', key: string, seconds: number, headers?: Record<string, string>): Promise<string>;
}

const TYPE = 'application/x-ndjson';
const tag = (xml: string, name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
const ETAG = /^"?([^"]*)"?$/;
const plain = (etag: string | null): string => ETAG.exec((etag ?? '').replaceAll('&quot;', '"'))![1]!;

const away = (cause: unknown): never => {
  throw new AppError('unavailable', { detail: 'The bucket is away', retry_after: 1, cause });
};

/** Every call may throw AppError `unavailable`, or AwsError for a refusal. @example await s3Objects('my-bucket').presign('GET', 'results/7', 900) */
export const s3Objects = (bucket: string, options: AwsOptions = {}): Objects => {
  const place = async (key: string) => {
    const region = await regionOf(options);
    const endpoint = options.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
    const china = region.startsWith('cn-') ? '.cn' : '';
    // emulators know no hosts of buckets
    const origin = endpoint ? new URL(endpoint).origin : `https://${bucket}.s3.${region}.amazonaws.com${china}`;
    return { region, origin, host: new URL(origin).host, path: endpoint ? `/${bucket}/${key}` : `/${key}` };
  };

  const send = async (
    method: string,
    key: string,
    {
      query = '',
      headers = {},
      body,
    }: { query?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
  ): Promise<Response> => {
    const { region, origin, host, path } = await place(key);
    const request = { service: 's3', region, method, host, path: path + query, headers: { ...headers }, body };
    const signed = aws4.sign(request, await credentialsOf(options));
    // of fetch itself
    const { Host: _h, 'Content-Length': _l, ...sent } = signed.headers as Record<string, string>;
    const init = { method, headers: sent, signal: AbortSignal.timeout(ANSWER_MS) };
    const content = body === undefined ? undefined : typeof body === 'string' ? body : new Uint8Array(body);
    const response = await fetch(origin + signed.path, { ...init, ...(content && { body: content }) }).catch(away);
    return response.status >= 500 ? away(`S3 answered ${response.status}`) : response;
  };
  /** The answer to what may not be refused. @throws AwsError */
  const answered = async (response: Response): Promise<Response> => {
    if (response.ok) return response;
    const xml = await response.text();
    throw new AwsError(response.status, { __type: tag(xml, 'Code') || undefined, message: tag(xml, 'Message') });
  };
  const dropped = async (response: Response): Promise<undefined> => void (await response.body?.cancel());

  return {
    get: async (key, range) => {
      const headers = range && { range: `bytes=${range.from}-${range.from + range.length - 1}` };
      const response = await send('GET', key, { headers });
      const [, size] = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? [];
      // who may not list the bucket hears 403 of what is not there
      if (response.status === 404 || response.status === 403) return dropped(response);
      if (response.status === 416) {
        await dropped(response);
        return { body: Buffer.alloc(0), etag: '', size: Number(size ?? range?.from ?? 0) };
      }
      await answered(response);
      const body = Buffer.from(await response.arrayBuffer());
      return { body, etag: plain(response.headers.get('etag')), size: Number(size ?? body.length) };
    },
    put: async (key, body, only) => {
      const condition: Record<string, string> | undefined =
        only && ('etag' in only ? { 'if-match': `"${only.etag}"` } : { 'if-none-match': '*' });
      const response = await send('PUT', key, { headers: { 'content-type': TYPE, ...condition }, body });
      if (only && (response.status === 412 || response.status === 409)) return dropped(response);
      await dropped(await answered(response));
      return plain(response.headers.get('etag'));
    },
    remove: async (key) => void (await dropped(await answered(await send('DELETE', key)))),
    begin: async (key) => {
      const response = await answered(
        await send('POST', key, { query: '?uploads', headers: { 'content-type': TYPE } }),
      );
      return tag(await response.text(), 'UploadId');
    },
    part: async (key, upload, number, body) => {
      const query = `?partNumber=${number}&uploadId=${encodeURIComponent(upload)}`;
      const headers = {
        'content-type': TYPE,
        'content-md5': createHash('md5').update(body).digest('base64'),
      };
      const response = await answered(await send('PUT', key, { query, headers, body }));
      await dropped(response);
      return plain(response.headers.get('etag'));
    },
    complete: async (key, upload, etags) => {
      const parts = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>"${etag}"</ETag></Part>`);
      const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
      const query = `?uploadId=${encodeURIComponent(upload)}`;
      const response = await send('POST', key, { query, headers: { 'content-type': 'application/xml' }, body });
      const xml = await response.text();
      // S3 may say 200 and tell of a failure in the body
      const code = tag(xml, 'Code');
      if (code === 'NoSuchUpload') return;
      if (!response.ok || code) throw new AwsError(response.status, { __type: code, message: tag(xml, 'Message') });
    },
    presign: async (method, key, seconds, headers = {}) => {
      const { region, origin, host, path } = await place(key);
      const query = `?X-Amz-Expires=${seconds}`;
      const request = { service: 's3', region, method, host, path: path + query, headers: { ...headers } };
      return origin + aws4.sign({ ...request, signQuery: true }, await credentialsOf(options)).path;
    },
  };
};
