/** The HTTP side of the mailbox: the page, and the API by which tests and tools read what was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { StartError } from '../../config/start-error.ts';
import type { Messages } from './messages.ts';
import { PAGE, SCRIPT, STYLE } from './page.ts';
import type { Listening } from './smtp.ts';

const COMMON = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
};
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** A mail may look as it likes, but runs nothing and loads nothing. Its links open outside the frame. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** Characters of a message that comes by HTTP. */
const MAX_MESSAGE = 1024 * 1024;

interface Answer {
  status: number;
  type?: string;
  body?: string;
  policy?: string;
  allow?: string;
}

const text = (status: number, body: string): Answer => ({ status, type: 'text/plain', body: `${body}\n` });

/** A message of a channel that does not travel by SMTP, as JSON: a page elsewhere can't send that unasked. */
const add = async (messages: Messages, read: () => Promise<unknown>): Promise<Answer> => {
  const { channel, to, subject, text: said, html } = ((await read()) ?? {}) as Record<string, unknown>;
  const fields = [channel, to, subject, said, html];
  if (!fields.every((field) => typeof field === 'string') || !/^[a-z]{1,20}$/.test(channel as string)) {
    return text(400, 'A message has channel, to, subject, text and html, as JSON');
  }
  const message = { channel, to, subject, text: said, html } as Parameters<Messages['add']>[0];
  return { status: 201, type: 'application/json', body: JSON.stringify(await messages.add(message)) };
};

/** The body as JSON; undefined when it is none or too long. */
const readJson = async (request: IncomingMessage): Promise<unknown> => {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return undefined;
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MAX_MESSAGE) return undefined;
  }
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const respond = async (
  messages: Messages,
  method: string,
  { pathname: path, searchParams }: Pick<URL, 'pathname' | 'searchParams'>,
  read: () => Promise<unknown>,
): Promise<Answer> => {
  const isRead = method === 'GET' || method === 'HEAD';
  if (path === '/api/messages') {
    const list = () => messages.list(searchParams.get('to') ?? '');
    if (isRead) return { status: 200, type: 'application/json', body: JSON.stringify(list()) };
    if (method === 'POST') return add(messages, read);
    if (method !== 'DELETE') return { ...text(405, 'GET, POST or DELETE'), allow: 'GET, HEAD, POST, DELETE' };
    await messages.clear();
    return { status: 204 };
  }
  if (!isRead) return { ...text(405, 'GET'), allow: 'GET, HEAD' };
  if (path === '/') return { status: 200, type: 'text/html', body: PAGE };
  if (path === '/mailbox.css') return { status: 200, type: 'text/css', body: STYLE };
  if (path === '/mailbox.js') return { status: 200, type: 'text/javascript', body: SCRIPT };
  const found = path.startsWith('/messages/') ? messages.get(path.slice('/messages/'.length)) : undefined;
  if (!found) return text(404, 'There is no such thing');
  const body = `<base target="_blank">${found.html}`;
  return { status: 200, type: 'text/html', body, policy: MAIL_POLICY };
};

/** @throws StartError when the port is taken */
export const startHttp = (messages: Messages, { host, port }: { host: string; port: number }): Promise<Listening> => {
  const onLoopback = LOOPBACK.test(host) || host === '::1';
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // a page elsewhere can point a name of its own at this machine (DNS rebinding); it can't say that it is localhost
    const isOurs = !onLoopback || LOOPBACK.test(request.headers.host ?? '');
    const [pathname = '/', query] = (request.url ?? '/').split('?');
    const asked = { pathname, searchParams: new URLSearchParams(query) };
    const { status, type, body, policy, allow } = isOurs
      ? await respond(messages, request.method ?? 'GET', asked, () => readJson(request))
      : text(421, 'Ask for localhost');
    response.writeHead(status, {
      ...COMMON,
      'content-security-policy': policy ?? PAGE_POLICY,
      ...(type && { 'content-type': `${type}; charset=utf-8` }),
      ...(allow && { allow }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    request.resume();
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StartError(`port ${port} is taken: set PERFECT21_MAILBOX_PORT to another`)
          : error,
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
};
