/** Error answers of an operation for the OpenAPI document: what the one table of errors says, by status. */
import { ERRORS, type ErrorCode } from '../../kit/errors.ts';
import type { Operation } from '../../kit/operation.ts';

/** RFC 9457 problem details with our `code`. */
export const PROBLEM = {
  type: 'object',
  description: 'RFC 9457 problem details',
  properties: {
    type: { type: 'string', format: 'uri', examples: ['urn:perfect21:error:invalid_request'] },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'The id of the request' },
    code: { type: 'string', enum: Object.keys(ERRORS) },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
        required: ['path', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code'],
} as const;

/** The codes that an operation may answer, by status. */
export const outcomesOf = (
  op: Operation<any, any>,
  has: { body: boolean; parameters: boolean },
): Map<number, ErrorCode[]> => {
  const isPublic = (typeof op.access === 'string' ? [op.access] : op.access).includes('public');
  const codes = new Set<ErrorCode>([
    'invalid_request',
    ...(isPublic ? [] : (['unauthenticated', 'forbidden'] as const)),
    ...op.errors,
    ...(has.body ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
    ...(has.parameters ? (['uri_too_long'] as const) : []),
    'too_many_requests',
    'internal',
    'unavailable',
    'deadline_exceeded',
  ]);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { http } = ERRORS[code];
    byStatus.set(http, [...(byStatus.get(http) ?? []), code]);
  }
  return new Map([...byStatus].sort(([a], [b]) => a - b));
};

const example = (code: ErrorCode) => ({
  type: `urn:perfect21:error:${code}`,
  title: ERRORS[code].title,
  status: ERRORS[code].http,
  code,
});

/** Response objects for these codes. */
export const problemResponses = (outcomes: ReadonlyMap<number, readonly ErrorCode[]>): Record<string, object> =>
  Object.fromEntries(
    [...outcomes].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(codes.map((code) => [code, { value: example(code) }])),
          },
        },
      },
    ]),
  );
