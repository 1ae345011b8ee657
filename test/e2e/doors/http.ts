import { connect } from 'node:http2';
import type { Door } from '../world.ts';
import { fromHttpResponse, toHttpRequest } from './http-request.ts';

const isEvents = (type: string | undefined): boolean => type === 'text/event-stream';

/** Of events that go on as long as somebody listens. */
const firstEvent = async ({ body }: Response): Promise<string> => {
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes('\n\n')) break;
  }
  return text;
};

/** REST over HTTP/1.1. */
export const http1Door = (baseUrl: string): Door => ({
  name: 'HTTP/1.1',
  call: async (op, input, options = {}) => {
    const { method, path, query, headers, body } = toHttpRequest(op, input, options);
    const response = await fetch(`${baseUrl}${path}${query && `?${query}`}`, { method, headers, body });
    const type = response.headers.get('content-type') ?? undefined;
    return fromHttpResponse(response.status, type, isEvents(type) ? await firstEvent(response) : await response.text());
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
          if (isEvents(type) && text.includes('\n\n')) stream.close();
        });
        stream.on('error', (error) => {
          // so HTTP/2 refuses a list of header fields that is too long
          if (!error.message.includes('ENHANCE_YOUR_CALM')) return reject(error);
          resolve({ ok: false, code: 'headers_too_large', body: undefined });
        });
        stream.on('close', () => {
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
