/** A collector for tests: takes spans by OTLP over HTTP, as JSON, and shows them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

/** A span as it came, with attributes as an object; kinds are those of OTLP: 1 internal to 5 consumer. */
export interface CollectedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  attributes: Record<string, unknown>;
  /** 0 unset, 1 ok, 2 error. */
  status: number;
  service: string;
}

export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
  readonly requests: readonly { path: string; type: string; bytes: Buffer }[];
  /** What it answers from now on. */
  answer(status: number): void;
  /** Resolves when a span of this name came; rejects after 20 s. */
  seen(name: string): Promise<CollectedSpan>;
  close(): Promise<void>;
}

interface Value {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
  boolValue?: boolean;
}
const read = (attributes: { key: string; value: Value }[] = []): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue),
    ]),
  );

const spansIn = (text: string): CollectedSpan[] =>
  JSON.parse(text).resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
    scopeSpans.flatMap(({ spans }: any) =>
      spans.map((span: any) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        name: span.name,
        kind: span.kind,
        attributes: read(span.attributes),
        status: span.status?.code ?? 0,
        service: String(read(resource.attributes)['service.name']),
      })),
    ),
  );

/** Starts a collector on a free port. */
export const startCollector = async (): Promise<Collector> => {
  const spans: CollectedSpan[] = [];
  const requests: { path: string; type: string; bytes: Buffer }[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      const type = request.headers['content-type'] ?? '';
      requests.push({ path: request.url ?? '', type, bytes });
      if (status === 200 && type === 'application/json') spans.push(...spansIn(bytes.toString()));
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    answer: (next) => {
      status = next;
    },
    seen: async (name) => {
      for (let ms = 0; ms < 20_000; ms += 20) {
        const found = spans.find((span) => span.name === name);
        if (found) return found;
        await sleep(20);
      }
      throw new Error(`no span ${name} came, only: ${spans.map((span) => span.name).join(', ')}`);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
};
