/**
 * Forward-auth: nginx (`auth_request`), Caddy, Traefik, HAProxy, Kong and Envoy's HTTP form ask here whether a request may
 * pass. 200, 401 and 403 are all that every one of them understands.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkRequest } from '../../../functions/sidecar/check-request.ts';
import { challengeOf, identityOf, RETRY_AFTER } from '../../../functions/sidecar/identity.ts';
import { type RequestVerdict, refused } from '../../../functions/sidecar/verdict.ts';
import { ANONYMOUS } from '../../kit/context.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import { continueTrace } from '../../kit/trace.ts';
import { requestIdOf } from '../binding/binding.ts';

const PATH = '/verify';
const TIMED = Object.freeze({ service: 'sidecar', method: 'HTTP', endpoint: PATH });
const STATUS: Readonly<Record<RequestVerdict['outcome'], 200 | 401 | 403>> = {
  allowed: 200,
  unauthenticated: 401,
  forbidden: 403,
  // nginx makes 500 of everything else
  unknown: 403,
};
const COUNTED = Object.fromEntries(
  [200, 401, 403].map((status) => [status, Object.freeze({ ...TIMED, status: String(status) })]),
) as Record<number, Record<string, string>>;
const BODIES: Readonly<Record<string, string>> = {
  unauthenticated: 'Credentials are missing or not valid',
  forbidden: 'The caller may not do this',
  unknown: 'Whether this is allowed is not known at present',
};

/** `/verify`, `/verify?…` and what stands below it: Envoy puts the path that was asked for there. */
const isMeant = (url: string): boolean =>
  url.startsWith(PATH) && (url.length === PATH.length || url[PATH.length] === '?' || url[PATH.length] === '/');

/** All values of a field, in whichever protocol it came. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): string[] => {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.length === name.length && rawHeaders[at]!.toLowerCase() === name)
      values.push(rawHeaders[at + 1]!);
  }
  return values;
};

/**
 * Everything that anybody wants is needed: of the address and of the header field, both may hold what the client of the proxy
 * wrote beside what the proxy did, and more can only be refused more often.
 */
const wantedBy = (request: IncomingMessage, url: string): string[] => {
  const query = url.indexOf('?');
  const asked = query === -1 ? [] : new URLSearchParams(url.slice(query + 1)).getAll('permission');
  return [...asked, ...valuesOf(request, 'x-required-permission')]
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter(Boolean);
};

/**
 * Makes the handler. It answers every method at `/verify` and below, reads no body, and takes nothing else.
 *
 * @returns true for a request that it took
 * @example if (!forwardAuth(host)(request, response)) notFound(response);
 */
export const forwardAuth = (host: Host) => {
  const { ids, log, metrics } = host.ports;

  const answer = (request: IncomingMessage, response: ServerResponse, verdict: RequestVerdict, id: string): void => {
    const status = STATUS[verdict.outcome];
    const fields: (string | number)[] = [];
    for (const [name, value] of Object.entries(identityOf(verdict))) fields.push(name, value);
    fields.push('x-request-id', id, 'cache-control', 'no-store');
    const challenge = challengeOf(verdict);
    if (challenge) fields.push('www-authenticate', challenge);
    if (verdict.outcome === 'unknown') fields.push('retry-after', RETRY_AFTER);
    let body = '';
    if (verdict.outcome !== 'allowed') {
      const code = verdict.outcome === 'unknown' ? 'unavailable' : verdict.outcome;
      const title = BODIES[verdict.outcome];
      const about = { detail: verdict.error, instance: `urn:perfect21:request:${id}` };
      body = JSON.stringify({ type: `urn:perfect21:error:${code}`, title, status, code, ...about });
      fields.push('content-type', 'application/problem+json', 'x-content-type-options', 'nosniff');
    }
    fields.push('content-length', Buffer.byteLength(body));
    // a body decides nothing here, and where HTTP/1.1 goes on after one that nobody read can't be told
    const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
    if (request.httpVersionMajor === 1 && (coding !== undefined || length !== '0')) fields.push('connection', 'close');
    response.writeHead(status, fields as never);
    response.end(request.method === 'HEAD' ? undefined : body);
    metrics.count('perfect21_requests_total', COUNTED[status]!);
  };

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { url = '' } = request;
    if (!isMeant(url)) return false;
    const started = performance.now();
    const { headers } = request;
    const id = requestIdOf(headers['x-request-id'] as string | undefined, ids.uuid);
    const above = headers.traceparent as string | undefined;
    const span = host.ports.tracer?.start(`HTTP ${PATH}`, 'server', above, { 'http.route': PATH });
    const trace = span?.trace ?? continueTrace(above);
    const input = { authorization: valuesOf(request, 'authorization'), permissions: wantedBy(request, url) };
    const client = { user_agent: headers['user-agent'] };
    invoke(host, checkRequest, input, { request_id: id, trace, caller: ANONYMOUS, client, door: 'http' })
      .catch((cause) => {
        log.error('operation.failed', {
          operation: checkRequest.name,
          request_id: id,
          trace_id: trace.trace_id,
          cause,
        });
        return refused('unknown', 'unavailable');
      })
      .then((verdict) => {
        answer(request, response, verdict, id);
        if (span) {
          span.set({ 'http.response.status_code': STATUS[verdict.outcome] });
          span.end(verdict.outcome === 'unknown' ? 'unavailable' : undefined);
        }
        metrics.observe('perfect21_request_duration_seconds', TIMED, (performance.now() - started) / 1_000);
        if (verdict.outcome === 'allowed') return;
        const { 'x-forwarded-method': method, 'x-forwarded-host': name } = headers;
        const { outcome, error } = verdict;
        log.debug('forward_auth.refused', {
          outcome,
          error,
          method: method ?? request.method,
          host: name,
          request_id: id,
          trace_id: trace.trace_id,
        });
      });
    return true;
  };
};
