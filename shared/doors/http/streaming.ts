/** Operations whose rows come or go one by one, over HTTP/1.1 and HTTP/2. */
import type { Http2ServerRequest } from 'node:http2';
import { AppError, ERRORS, toAppError } from '../../kit/errors.ts';
import { NDJSON } from '../../kit/stream.ts';
import { answer, type HttpRequest, type HttpResponse, refuse, requestIdOf } from '../binding/binding.ts';
import { Life } from '../binding/life.ts';
import { isNdjson, problemLine, readRows } from '../binding/ndjson.ts';
import { pull } from '../binding/pull.ts';
import type { Route } from '../binding/route.ts';
import { BEAT, BEAT_MS, eventOf, problemEvent } from '../binding/server-sent-events.ts';
import type { Door } from './door.ts';
import type { Exchange } from './exchange.ts';
import type { Report } from './observation.ts';
import { announcesBody } from './read.ts';
import { takeBody, toRequest } from './request.ts';
import { RowWriter } from './row-writer.ts';

/** Milliseconds after which a caller learns that he is let in, though there is no row for him yet. */
const HEAD_MS = 1_000;

const rowsOf = ({ request }: Exchange, limit: number, life: Life): AsyncGenerator<unknown> => {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = request.headers;
  if (!isNdjson(type) || encoding.toLowerCase() !== 'identity') {
    throw new AppError('unsupported_media_type', { detail: `Send ${NDJSON}, without content-encoding` });
  }
  return readRows(pull<Buffer>(request, life), limit);
};

const inputOf = async (door: Door, route: Route, exchange: Exchange, life: Life) => {
  const { in: stream } = route.streams!;
  if (!stream)
    return {
      body: announcesBody(exchange.request)
        ? await takeBody(exchange.request, route.body, performance.now() + door.limits.request_ms)
        : undefined,
    };
  return { rows: rowsOf(exchange, stream.limit, life) };
};

/** A browser that comes back says by a header what it got last (WHATWG HTML, 9.2). */
const resumed = ({ http: { resumes } }: Route, request: HttpRequest): HttpRequest => {
  const last = request.headers['last-event-id'];
  if (!resumes || !last || resumes in request.query) return request;
  return { ...request, query: { ...request.query, [resumes]: last } };
};

/** Answers a request with a stream, or a stream with an answer. Never throws. */
export const respondStream = async (door: Door, route: Route, report: Report, exchange: Exchange): Promise<void> => {
  const { host } = door;
  const { request } = exchange;
  const started = performance.now();
  const requestId = requestIdOf(request.headers['x-request-id'] as string | undefined, host.ports.ids.uuid);
  const life = new Life(route.streams!.idle);
  if (route.http.rows === 'events') door.listening.add(life);
  const gone = (): void => life.gone();
  exchange.response.once('close', gone);
  // after a reset without an error HTTP/2 waits for the rest of an answer that nobody takes any more
  (request as unknown as Partial<Http2ServerRequest>).stream?.once('aborted', gone);
  let response: HttpResponse;
  try {
    const { body, rows } = await inputOf(door, route, exchange, life);
    const plain = resumed(route, toRequest(exchange, route.parameters, body, door));
    const headers = { ...plain.headers, 'x-request-id': requestId };
    const asked = { ...plain, headers, signal: life.signal, ...(rows && { rows }) };
    const answered = answer(host, route, asked, 'http');
    response = await life.until(answered).catch((thrown) => {
      // who left before hears nothing of its rows, and they are let go
      answered.then(({ rows }) => rows?.[Symbol.asyncIterator]().return?.()).catch(() => {});
      throw thrown;
    });
  } catch (thrown) {
    response = refuse(host, route, thrown, requestId);
  }
  let { status } = response;
  try {
    if (response.rows) status = await sendRows(door, route, exchange, response, life);
    else if (!exchange.response.destroyed) door.send(exchange, response);
  } catch (cause) {
    const ids = { request_id: requestId, trace_id: response.trace_id };
    host.ports.log.error('http.unanswered', { operation: route.op.name, ...ids, cause });
    exchange.response.destroy();
  }
  life.done();
  door.listening.delete(life);
  report(status, started, requestId, response.trace_id, response.traced);
};

/** @returns the status that the answer came to, which after the first row is not what its head says */
const sendRows = async (
  door: Door,
  route: Route,
  exchange: Exchange,
  response: HttpResponse,
  life: Life,
): Promise<number> => {
  const requestId = response.headers['x-request-id']!;
  const rows = response.rows![Symbol.asyncIterator]();
  const writer = new RowWriter(exchange.response, life);
  const events = route.http.rows === 'events';
  let begun = false;
  const begin = (): void => {
    if (!begun) door.begin(exchange, { ...response, body: undefined, endless: events });
    begun = true;
  };
  const head = setTimeout(begin, HEAD_MS).unref();
  const beats = events ? setInterval(() => begun && writer.beat(BEAT), BEAT_MS).unref() : undefined;
  try {
    if (exchange.request.method === 'HEAD') {
      begin();
      exchange.response.end();
      return response.status;
    }
    for (;;) {
      const { done, value } = await life.until(rows.next());
      begin();
      if (done) break;
      life.moved();
      await writer.write(events ? eventOf(value) : `${JSON.stringify(value)}\n`);
    }
    writer.end();
    return response.status;
  } catch (thrown) {
    if (!begun && !exchange.response.destroyed) {
      begun = true;
      const refusal = refuse(door.host, route, thrown, requestId, response.trace_id);
      door.send(exchange, refusal);
      return refusal.status;
    }
    const error = toAppError(thrown);
    if (error.code === 'cancelled') exchange.response.destroy();
    else {
      // that listeners are sent away at a stop is no failure of ours
      if (!events || thrown !== life.signal.reason) refuse(door.host, route, error, requestId, response.trace_id);
      // a browser comes back by itself after the end of its events
      if (events) writer.end(problemEvent(error, requestId));
      else writer.breakOff(problemLine(error, requestId));
    }
    return ERRORS[error.code].http;
  } finally {
    clearTimeout(head);
    clearInterval(beats);
    // not waited for: an operation that is stuck ends when it gets loose
    rows.return?.().catch(() => {});
  }
};
