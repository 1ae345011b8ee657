/** Reads what serverless-esbuild packs: zip files (PKWARE APPNOTE 6.3.9) without encryption and without ZIP64. */
import { inflateRawSync } from 'node:zlib';

export interface ZipEntry {
  name: string;
  content: Buffer;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const DEFLATED = 8;

/** The files of an archive. Throws for bytes that are none. */
export const readZip = (zip: Buffer): ZipEntry[] => {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== END) end--;
  if (end < 0) throw new Error('this is no zip file');
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  return Array.from({ length: count }, () => {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error('the directory of the zip file is broken');
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(from, from + size);
    return { name, content: method === DEFLATED ? inflateRawSync(packed) : Buffer.from(packed) };
  });
};
