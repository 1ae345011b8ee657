/** A FileDescriptorSet cut down to the methods that are answered, so that reflection tells of nothing that is not there. */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Field numbers of google/protobuf/descriptor.proto. */
const SET_FILE = 1;
const FILE_PACKAGE = 2;
const FILE_SERVICE = 6;
const SERVICE_NAME = 1;
const SERVICE_METHOD = 2;
const METHOD_NAME = 1;

type Field = { number: number; bytes: Uint8Array; whole: Uint8Array };

/** The fields of a message as they stand; `bytes` is what a length-delimited one holds. */
const fieldsOf = (message: Uint8Array): Field[] => {
  const reader = new BinaryReader(message);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    const bytes = type === WireType.LengthDelimited ? reader.bytes() : reader.skip(type, number);
    fields.push({ number, bytes, whole: message.subarray(start, reader.pos) });
  }
  return fields;
};

const textOf = (fields: readonly Field[], number: number): string =>
  Buffer.from(fields.find((field) => field.number === number)?.bytes ?? []).toString('utf8');

/** The same message with some of its length-delimited fields changed; undefined leaves one out. */
const mapped = (message: Uint8Array, number: number, change: (bytes: Uint8Array) => Uint8Array | undefined): Buffer => {
  const writer = new BinaryWriter();
  for (const field of fieldsOf(message)) {
    if (field.number !== number) writer.raw(field.whole);
    else {
      const changed = change(field.bytes);
      if (changed) writer.tag(number, WireType.LengthDelimited).bytes(changed);
    }
  }
  return Buffer.from(writer.finish());
};

/**
 * The files of a set. A service keeps the methods that `answers`; one without any is left out.
 *
 * @param answers told `package.Service/Method`
 */
export const filesAnswering = (set: Uint8Array, answers: (method: string) => boolean): Buffer[] =>
  fieldsOf(set)
    .filter(({ number }) => number === SET_FILE)
    .map(({ bytes: file }) => {
      const pkg = textOf(fieldsOf(file), FILE_PACKAGE);
      return mapped(file, FILE_SERVICE, (service) => {
        const name = `${pkg && `${pkg}.`}${textOf(fieldsOf(service), SERVICE_NAME)}`;
        const kept = mapped(service, SERVICE_METHOD, (method) =>
          answers(`${name}/${textOf(fieldsOf(method), METHOD_NAME)}`) ? method : undefined,
        );
        return fieldsOf(kept).some(({ number }) => number === SERVICE_METHOD) ? kept : undefined;
      });
    });

/** All methods of a set, `package.Service/Method`. */
export const methodsOf = (set: Uint8Array): string[] => {
  const found: string[] = [];
  filesAnswering(set, (method) => found.push(method) > 0);
  return found;
};
