/** Protobuf messages ⇄ input and output of operations. */
import type * as z from 'zod';
import { DEFINITIONS, SERVICES } from '../../proto/gen/services.ts';
import type { RpcBinding } from '../kit/binding.ts';
import { AppError } from '../kit/errors.ts';
import type { Operation } from '../kit/operation.ts';
import { isStream } from '../kit/stream.ts';
import type { Codec } from './codec.ts';
import { StrictReader } from './reader.ts';
import { written } from './writer.ts';

interface Method {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  requestDeserialize(bytes: any): object;
  responseSerialize(message: any): Buffer;
}

/** How answers are written by a writer that is there already. */
const ENCODERS: ReadonlyMap<string, any> = new Map(
  DEFINITIONS.flatMap(({ fullName, methods }) =>
    Object.values(methods).map((method) => [`/${fullName}/${method.name}`, method.responseType.encode] as const),
  ),
);

export type Methods = ReadonlyMap<string, Method>;

/** All methods of proto/, by path without the leading slash. */
export const METHODS: Methods = new Map(
  SERVICES.flatMap((service): Method[] => Object.values(service)).map((method) => {
    const encode = ENCODERS.get(method.path);
    return [method.path.slice(1), { ...method, responseSerialize: (message) => written(encode, message) }];
  }),
);

const reader = new StrictReader();

/** Decodes all bytes or throws; strings have to be UTF-8, as proto3 demands. */
const decodeWhole = (method: Method, bytes: Buffer): object => {
  try {
    return reader.whole(bytes, method.requestDeserialize);
  } catch (cause) {
    throw new AppError('invalid_request', { detail: 'The message is not valid protobuf', cause });
  }
};

const isDefault = (value: unknown): boolean => {
  if (value === undefined || value === '' || value === 0) return true;
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return false;
  return true;
};

type Absent = (value: any) => any;
const same: Absent = (value) => value;

/**
 * Leaves out what proto3 can't tell from absent (empty strings, lists and maps, and 0) where the schema lets the field
 * be absent, or does not know it. Worked out once for a schema.
 *
 * @example dropAbsent(z.object({ token: z.string(), reason: z.string().optional() }))({ token: '', reason: '' }) // { token: '' }
 */
export const dropAbsent = (schema: z.core.$ZodType): Absent => {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nullable':
    case 'readonly':
    case 'catch':
    case 'nonoptional':
      return dropAbsent(def.innerType);
    case 'pipe':
      return dropAbsent(def.in);
    case 'array': {
      const each = dropAbsent(def.element);
      return each === same ? same : (list) => (Array.isArray(list) ? list.map(each) : list);
    }
    case 'object': {
      const fields = new Map(
        Object.entries(def.shape).map(([name, field]) => [
          name,
          { optional: field._zod.optin === 'optional', inside: dropAbsent(field) },
        ]),
      );
      return (message) => {
        const input: Record<string, unknown> = {};
        for (const name in message) {
          const field = fields.get(name);
          const value = message[name];
          if ((field === undefined || field.optional) && isDefault(value)) continue;
          input[name] = field ? field.inside(value) : value;
        }
        return input;
      };
    }
    default:
      return same;
  }
};

/**
 * How an operation speaks a method of proto/, or one row of a stream. Undefined when proto/ has no such method.
 *
 * @throws Error when one streams and the other does not
 */
export const protoCodec = (op: Operation<any, any>, rpc: RpcBinding, methods: Methods = METHODS): Codec | undefined => {
  const method = methods.get(rpc.method);
  if (!method) return undefined;
  if (method.requestStream !== op.takesRows || method.responseStream !== op.givesRows) {
    throw new Error(`operation ${op.name} and ${rpc.method} do not stream alike`);
  }
  let absent: Absent | undefined;
  return {
    decode: (bytes) => {
      const message = decodeWhole(method, bytes);
      absent ??= dropAbsent(isStream(op.input) ? op.input.row : op.input);
      return absent(rpc.request ? rpc.request(message) : message);
    },
    encode: (output) => method.responseSerialize(rpc.response ? rpc.response(output) : (output ?? {})),
    failure: (code) => {
      const message = rpc.failure?.(code);
      return message && method.responseSerialize(message);
    },
  };
};
