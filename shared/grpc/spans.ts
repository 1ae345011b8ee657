/** What the two ends of a call say of it in their spans. */
import type { SpanAttributes } from '../ports/tracer.ts';

/**
 * OpenTelemetry's names of today, and beside them its older `rpc.system` and `rpc.service`. `rpc.method` is the whole name,
 * as today's has it (https://opentelemetry.io/docs/specs/semconv/rpc/rpc-spans/).
 *
 * @example callAttributes('perfect21.auth.AuthService/ValidateToken')
 */
export const callAttributes = (method: string): SpanAttributes => ({
  'rpc.system.name': 'grpc',
  'rpc.system': 'grpc',
  'rpc.service': method.slice(0, method.indexOf('/')),
  'rpc.method': method,
});
