import { connect } from 'node:http2';
import type { Door } from '../world.ts';
import { fromHttpResponse, toHttpRequest } from './http-request.ts';

/** REST over HTTP/1.1. */
export const http1Door = (baseUrl: string): Door => ({
  name: 'HTTP/1.1',
  call: async (op, input, options = {}) => {
    const { method, path, query, headers, body } = toHttpRequest(op, input, options);
    const response = await fetch(`${baseUrl}${path}${query && `?${query}`}`, { method, headers, body });
    return fromHttpResponse(response.status, response.headers.get('content-type') ?? undefined, await response.text());
  },
});

/** REST over HTTP/2 without TLS, by prior knowledge. */
export const http2Door = (baseUrl: string): Door & { close(): Promise<void> } => {
  const session = connect(baseUrl);
  return {
    name: 'HTTP/2',
    call: (op, input, options = {}) =>
      new Promise((resolve, reject) => {
        const { method, path, query, headers, body } = toHttpRequest(op, input, options);
        const stream = session.request(
          { ':method': method, ':path': `${path}${query && `?${query}`}`, ...headers },
          { endStream: body === undefined },
        );
        let status = 0;
        let type: string | undefined;
        let text = '';
        stream.setEncoding('utf8');
        stream.on('response', (answer) => {
          status = answer[':status'] ?? 0;
          type = answer['content-type'];
        });
        stream.on('data', (chunk) => {
          text += chunk;
        });
        stream.on('error', reject);
        stream.on('end', () => {
          try {
            resolve(fromHttpResponse(status, type, text));
          } catch (thrown) {
            reject(thrown);
          }
        });
        if (body !== undefined) stream.end(body);
      }),
    close: () => new Promise((resolve) => session.close(() => resolve())),
  };
};
