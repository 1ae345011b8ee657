/**
 * S3 for tests: fauxqs keeps the objects; in front of it stands what it leaves out: signatures are checked (as AWS documents
 * them, by code that is not the client's), addresses end, writes hold to their conditions, and a queue is told of uploads.
 */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { startFauxqs } from 'fauxqs';
import { type Fault, fault, startDouble } from './double.ts';

const REGION = 'eu-central-1';
const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

interface Signed {
  access_key: string;
  presigned: boolean;
}

/** Who signed a request. @throws Fault when nobody did, or the address is over */
const judge = (request: IncomingMessage, body: Buffer, secret: string, now: number): Signed => {
  const url = new URL(request.url!, 'http://s3');
  const query = [...url.searchParams];
  const of = (name: string): string => url.searchParams.get(name) ?? '';
  const presigned = url.searchParams.has('X-Amz-Signature');
  const header = String(request.headers.authorization ?? '');
  const part = (name: string): string => new RegExp(`${name}=([^, ]+)`).exec(header)?.[1] ?? '';
  const credential = presigned ? of('X-Amz-Credential') : part('Credential');
  const names = (presigned ? of('X-Amz-SignedHeaders') : part('SignedHeaders')).split(';');
  const given = presigned ? of('X-Amz-Signature') : part('Signature');
  const [access_key = '', day = '', region = '', service = ''] = credential.split('/');
  const time = presigned ? of('X-Amz-Date') : String(request.headers['x-amz-date'] ?? '');
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const signed_at = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
  const age = now - signed_at;
  if (presigned ? age > Number(of('X-Amz-Expires')) * 1_000 : Math.abs(age) > 900_000) {
    throw fault('AccessDenied', 'Request has expired', 403);
  }
  const content = presigned ? 'UNSIGNED-PAYLOAD' : String(request.headers['x-amz-content-sha256'] ?? '');
  if (!presigned && content !== hash(body)) throw fault('XAmzContentSHA256Mismatch', 'content', 400);
  const canonical = [
    request.method,
    url.pathname,
    query
      .filter(([name]) => name !== 'X-Amz-Signature')
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    names.join(';'),
    content,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n');
  const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
  if (!names.includes('host') || service !== 's3' || hmac(key, text).toString('hex') !== given) {
    throw fault('SignatureDoesNotMatch', `${request.method} ${request.url}`, 403);
  }
  return { access_key, presigned };
};

/**
 * Starts it with one bucket. Everybody's secret is `local`.
 *
 * @param options.told of each object under `uploads/` that came in, what a bucket tells its queue
 */
export const startS3 = async (bucket: string, { told }: { told?: (body: string) => Promise<void> } = {}) => {
  const server = await startFauxqs({ port: 0, host: '127.0.0.1', defaultRegion: REGION, logger: false });
  server.createBucket(bucket);
  const behind = `http://127.0.0.1:${server.port}`;
  const state = { now: () => Date.now(), down: false, calls: [] as string[] };
  /** One write after the other, so that a condition holds. */
  let turn: Promise<unknown> = Promise.resolve();

  const onward = async (request: IncomingMessage, body: Buffer): Promise<Response> => {
    const { host: _h, connection: _c, 'content-length': _l, ...headers } = request.headers;
    const url = new URL(behind + request.url);
    for (const name of [...url.searchParams.keys()]) if (name.startsWith('X-Amz-')) url.searchParams.delete(name);
    const {
      'if-match': match,
      'if-none-match': none,
      authorization: _a,
      ...others
    } = headers as Record<string, string>;
    if (request.method === 'PUT' && (match || none)) {
      const there = await fetch(url, { method: 'HEAD' });
      if (none ? there.ok : there.headers.get('etag') !== match) throw fault('PreconditionFailed', 'condition', 412);
    }
    const carries = request.method === 'PUT' || request.method === 'POST';
    return fetch(url, { method: request.method!, headers: others, ...(carries && { body: new Uint8Array(body) }) });
  };

  const double = await startDouble(async (body, request, response) => {
    try {
      const { pathname } = new URL(request.url!, 'http://s3');
      state.calls.push(`${request.method} ${pathname}`);
      if (state.down) throw fault('InternalError', 'down', 500);
      judge(request, body, 'local', state.now());
      const answer = turn.then(() => onward(request, body));
      turn = answer.catch(() => undefined);
      const { status, headers, ...rest } = await answer.then(async (found) => ({
        status: found.status,
        headers: found.headers,
        body: Buffer.from(await found.arrayBuffer()),
      }));
      const [, key = ''] = /^\/[^/]+\/(.*)$/.exec(pathname) ?? [];
      if (request.method === 'PUT' && status === 200 && key.startsWith('uploads/')) {
        await told?.(JSON.stringify({ Records: [{ s3: { bucket: { name: bucket }, object: { key } } }] }));
      }
      for (const name of ['etag', 'content-type', 'content-range']) {
        const value = headers.get(name);
        if (value) response.setHeader(name, value);
      }
      response.writeHead(status).end(rest.body);
    } catch (thrown) {
      const { type = 'InternalError', status = 500, message } = thrown as Fault;
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>${type}</Code><Message>${message}</Message></Error>`);
    }
  });
  return {
    ...double,
    state,
    close: async () => {
      await double.close();
      await server.stop();
    },
  };
};
