/** X.509 certificates for one test run (RFC 5280, ECDSA P-256), written as DER by hand so that no file and no tool is needed. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const hex = (text: string) => Buffer.from(text, 'hex');
const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);
const oid = (text: string) => tlv(0x06, hex(text));
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const name = (common: string) => sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(common)))));
const time = (date: Date) => tlv(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
const extension = (id: string, value: Uint8Array) => sequence(oid(id), tlv(0x04, value));
const pem = (der: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;

export interface Certificate {
  cert: string;
  key: string;
}

/** Alternative names: `DNS:…`, `URI:…` or `IP:127.0.0.1`. */
const alternative = (text: string): Buffer => {
  const at = text.indexOf(':');
  const [kind, value] = [text.slice(0, at), text.slice(at + 1)];
  if (kind === 'IP') return tlv(0x87, Buffer.from(value.split('.').map(Number)));
  return tlv(kind === 'DNS' ? 0x82 : 0x86, Buffer.from(value));
};

/** An authority that issues certificates for these alternative names. */
export const authority = (common = 'test authority') => {
  const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let serial = 1;
  const make = (subject: string, key: KeyObject, extensions: Uint8Array[]): string => {
    const now = Date.now();
    const body = sequence(
      tlv(0xa0, tlv(0x02, Buffer.from([2]))),
      tlv(0x02, Buffer.from([serial++])),
      ECDSA_SHA256,
      name(common),
      sequence(time(new Date(now - 60_000)), time(new Date(now + 3_600_000))),
      name(subject),
      key.export({ type: 'spki', format: 'der' }),
      tlv(0xa3, sequence(...extensions)),
    );
    return pem(sequence(body, ECDSA_SHA256, tlv(0x03, Buffer.from([0]), sign('sha256', body, root.privateKey))));
  };
  const isAuthority = extension('551d13', sequence(tlv(0x01, Buffer.from([0xff]))));
  const issueTo = (subject: string, ...names: string[]): Certificate => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      cert: make(subject, publicKey, [extension('551d11', sequence(...names.map(alternative)))]),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  };
  return {
    ca: make(common, root.publicKey, [isAuthority]),
    issue: (...names: string[]): Certificate => issueTo('leaf', ...names),
    /** With a common name of its own. */
    issueTo,
  };
};
