/** A DNS server of one zone, small enough to see through: for this machine, where nobody else knows the names. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** Where a name leads: `host` is a number. */
export interface DnsPlace {
  host: string;
  port: number;
  weight?: number;
  priority?: number;
}

export interface DnsServer {
  /** `127.0.0.1:<port>`, over UDP. */
  readonly place: string;
  close(): void;
}

const A = 1;
const SRV = 33;
const [INTERNET, TTL_S] = [1, 1];
const NAME_OF_QUESTION = 0xc00c;

const encoded = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);

const numbers = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, 2 * at);
  return bytes;
};

/** The name that is asked for, in small letters, and where it ends. */
const asked = (message: Buffer): { name: string; type: number; end: number } => {
  const labels: string[] = [];
  let at = 12;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
};

/** Of an address its own name, which is all that an SRV record can point to. */
const hostName = (host: string, domain: string): string => `${host.replaceAll('.', '-')}.${domain}`;

/**
 * Answers SRV questions for `_grpc._tcp.<service>.<domain>` (RFC 2782), A questions for `<service>.<domain>`, and those that follow.
 *
 * @param places where the instances of a service are now
 */
export const startDns = async (
  domain: string,
  places: (service: string) => readonly DnsPlace[],
): Promise<DnsServer> => {
  const socket = createSocket('udp4');
  const known = new Map<string, string>();
  const answersTo = (name: string, type: number): readonly Buffer[] | undefined => {
    const inside = name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : undefined;
    const host = known.get(name);
    if (host !== undefined) return type === A ? [Buffer.from(host.split('.').map(Number))] : [];
    if (inside === undefined) return undefined;
    const service = inside.replace(/^_grpc\._tcp\./, '');
    const found = places(service);
    if (found.length === 0) return undefined;
    if (type === SRV && service !== inside)
      return found.map(({ host: target, port, weight = 1, priority = 0 }) => {
        const own = hostName(target, domain);
        known.set(own, target);
        return Buffer.concat([numbers(priority, weight, port), encoded(own)]);
      });
    return type === A && service === inside ? found.map((each) => Buffer.from(each.host.split('.').map(Number))) : [];
  };
  socket.on('message', (message, from) => {
    try {
      const { name, type, end } = asked(message);
      const answers = answersTo(name, type);
      const flags = 0x8580 | (answers ? 0 : 3);
      const records = (answers ?? []).map((data) =>
        Buffer.concat([numbers(NAME_OF_QUESTION, type, INTERNET, 0, TTL_S, data.length), data]),
      );
      const head = Buffer.concat([message.subarray(0, 2), numbers(flags, 1, records.length, 0, 0)]);
      socket.send(Buffer.concat([head, message.subarray(12, end), ...records]), from.port, from.address);
    } catch {
      // what is no question gets no answer
    }
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { place: `127.0.0.1:${(socket.address() as AddressInfo).port}`, close: () => socket.close() };
};
