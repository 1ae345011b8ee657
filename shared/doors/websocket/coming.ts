/** What is known of somebody who comes: less than his request, which would be kept for as long as he stays. */
import type { IncomingMessage } from 'node:http';
import { PLATFORM } from '../../kit/access.ts';
import type { Context } from '../../kit/context.ts';
import { networkOf } from '../../kit/network.ts';
import type { Operation } from '../../kit/operation.ts';
import { continueTrace } from '../../kit/trace.ts';
import type { Span, Tracer } from '../../ports/tracer.ts';
import { requestIdOf } from '../binding/binding.ts';

export interface Coming {
  op: Operation<any, any>;
  query: string;
  origin: string | undefined;
  /** What connections are counted by. */
  network: string;
  /** With the caller that asks whose a ticket is. */
  context: Context;
  /** Until he is let in or refused: what he hears afterwards are spans of those who tell it. */
  span: Span | undefined;
}

export const pathOf = (url = '/'): string => url.split('?', 1)[0]!;

export const comingOf = (
  { url = '', headers, socket }: IncomingMessage,
  routes: ReadonlyMap<string, Operation<any, any>>,
  ipOf: (peer: string | undefined, forwardedFor?: string) => string | undefined,
  newId: () => string,
  tracer?: Tracer,
): Coming => {
  const path = pathOf(url);
  const above = headers.traceparent as string | undefined;
  const span = tracer?.start(`GET ${path}`, 'server', above, { 'http.request.method': 'GET', 'http.route': path });
  const ip = ipOf(socket.remoteAddress, headers['x-forwarded-for'] as string | undefined);
  return {
    op: routes.get(path)!,
    query: url.split('?', 2)[1] ?? '',
    origin: headers.origin,
    network: networkOf(ip),
    context: {
      request_id: requestIdOf(headers['x-request-id'] as string | undefined, newId),
      trace: span?.trace ?? continueTrace(above),
      caller: PLATFORM,
      client: { ip, user_agent: headers['user-agent']?.slice(0, 512) },
      door: 'websocket',
    },
    span,
  };
};
