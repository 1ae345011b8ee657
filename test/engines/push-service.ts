/** A small double of a browser and its push service: subscriptions (RFC 8030), VAPID checked (RFC 8292), messages read (RFC 8291). */
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';

const certificate = (name: string): string =>
  readFileSync(new URL(`../doors/http/certs/${name}`, import.meta.url), 'utf8');

export interface Browser {
  public_key: string;
  auth: string;
  /** What a message says to this browser. Throws when it is not for it. */
  read(body: Buffer): string;
}

const hkdf = (secret: Buffer, salt: Buffer, info: string | Buffer, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length));

/** A browser with keys of its own, or with those given (base64url). */
export const newBrowser = (keys: { private_key?: string; auth?: string } = {}): Browser => {
  const ecdh = createECDH('prime256v1');
  if (keys.private_key) ecdh.setPrivateKey(Buffer.from(keys.private_key, 'base64url'));
  else ecdh.generateKeys();
  const auth = keys.auth ? Buffer.from(keys.auth, 'base64url') : randomBytes(16);
  const ours = ecdh.getPublicKey();
  return {
    public_key: ours.toString('base64url'),
    auth: auth.toString('base64url'),
    read: (body) => {
      const salt = body.subarray(0, 16);
      const end = 21 + body.readUInt8(20);
      if (body.length > body.readUInt32BE(16) + end) throw new Error('more than one record');
      const theirs = body.subarray(21, end);
      const info = Buffer.concat([Buffer.from('WebPush: info\0'), ours, theirs]);
      const secret = hkdf(ecdh.computeSecret(theirs), auth, info, 32);
      const decipher = createDecipheriv(
        'aes-128-gcm',
        hkdf(secret, salt, 'Content-Encoding: aes128gcm\0', 16),
        hkdf(secret, salt, 'Content-Encoding: nonce\0', 12),
      );
      decipher.setAuthTag(body.subarray(-16));
      const plain = Buffer.concat([decipher.update(body.subarray(end, -16)), decipher.final()]);
      const last = plain.lastIndexOf(2);
      if (last < 0 || plain.subarray(last + 1).some((byte) => byte !== 0)) throw new Error('not the last record');
      return plain.subarray(0, last).toString();
    },
  };
};

export interface Pushed {
  path: string;
  headers: Record<string, string | undefined>;
  body: Buffer;
  /** Claims of the token. */
  claims: { aud: string; exp: number; sub: string };
  /** The key that signed it, base64url. */
  key: string;
}

/** Who asks, as RFC 8292 wants it told: a token for this origin, signed with the key that it names. */
const asking = (authorization: string, origin: string): Pick<Pushed, 'claims' | 'key'> => {
  const [, token, key] = /^vapid t=([\w-]+\.[\w-]+\.[\w-]+), ?k=([\w-]+)$/.exec(authorization) ?? [];
  if (!token || !key) throw new Error('no vapid');
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const signed = Buffer.from(`${header}.${payload}`);
  const input = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', signed, input, Buffer.from(signature, 'base64url'))) throw new Error('bad signature');
  if (JSON.parse(Buffer.from(header, 'base64url').toString()).alg !== 'ES256') throw new Error('not ES256');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  if (claims.aud !== origin) throw new Error('for another origin');
  return { claims, key };
};

/** Starts the double on a free port. `state.status` is what it answers; `silence` never answers. */
export const startPushService = async () => {
  const pushed: Pushed[] = [];
  const state: { status: number; location?: string; silence?: boolean; requests: number } = {
    status: 201,
    requests: 0,
  };
  const options = { cert: certificate('test.crt'), key: certificate('test.key') };
  let origin = '';
  const server = createServer(options, async (request, response) => {
    state.requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (state.silence) return;
    try {
      const headers = request.headers as Pushed['headers'];
      const from = asking(headers.authorization ?? '', origin);
      pushed.push({ path: request.url ?? '', headers, body: Buffer.concat(chunks), ...from });
      response.writeHead(state.status, { ...(state.location && { location: state.location }) });
      response.end();
    } catch (thrown) {
      response.writeHead(403).end(String(thrown));
    }
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  const lookup: LookupFunction = (_, { all }, done) =>
    all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
  return {
    pushed,
    state,
    origin,
    /** What a client needs to reach it, which stands on no public address. */
    reach: { lookup, ca: options.cert },
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};
