/** Requests of a registry's HTTP API. `fetch` can't be given an authority to trust, so this is Node's own client. */
import { type IncomingHttpHeaders, type IncomingMessage, request as plain } from 'node:http';
import { request as secure } from 'node:https';

/** Thousands of instances fit; what is longer is no list of ours. */
const MAX_BYTES = 8 * 1024 * 1024;

export interface JsonAnswer {
  body: unknown;
  headers: IncomingHttpHeaders;
}

export interface Asking {
  headers: Record<string, string>;
  /** Whom to trust instead of the public authorities, PEM. */
  ca?: string;
  signal: AbortSignal;
}

const placeOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/** The answer when its head is there. Messages have neither headers nor body, which may hold a token. */
const answered = (url: URL, method: string, { headers, ca, signal }: Asking, body?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const call = url.protocol === 'https:' ? secure : plain;
    const request = call(url, { method, headers: { accept: 'application/json', ...headers }, ca, signal }, resolve);
    request.on('error', (cause) =>
      reject(signal.aborted ? new Error(`${placeOf(url)} did not answer in time`) : cause),
    );
    request.end(body);
  });

/** The body piece by piece, as long as it is not too long. */
const pieces = async function* (response: IncomingMessage, most: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > most) throw new Error('answered more than can be a list of instances');
    yield piece;
  }
};

const with200 = async (url: URL, asking: Asking): Promise<IncomingMessage> => {
  const response = await answered(url, 'GET', asking);
  if (response.statusCode === 200) return response;
  response.destroy();
  throw new Error(`${placeOf(url)} answered ${response.statusCode}`);
};

/**
 * What a GET answers with 200, its body read as JSON. Follows no redirect.
 *
 * @throws Error for anything else
 */
export const getJson = async (url: URL, asking: Asking): Promise<JsonAnswer> => {
  const response = await with200(url, asking);
  const chunks: Buffer[] = [];
  for await (const piece of pieces(response, MAX_BYTES)) chunks.push(piece);
  try {
    return { body: JSON.parse(Buffer.concat(chunks).toString('utf8')), headers: response.headers };
  } catch {
    throw new Error(`${placeOf(url)} answered no JSON`);
  }
};

/**
 * What a GET answers line by line, each read as JSON when it is whole, until the answer ends.
 *
 * @throws Error for anything but 200 and lines of JSON
 */
export const getLines = async function* (url: URL, asking: Asking): AsyncGenerator<unknown> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const piece of pieces(await with200(url, asking), Number.POSITIVE_INFINITY)) {
    const lines = `${rest}${decoder.decode(piece, { stream: true })}`.split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_BYTES) throw new Error(`${placeOf(url)} answered a line without end`);
    for (const line of lines.filter(Boolean)) {
      try {
        yield JSON.parse(line);
      } catch {
        throw new Error(`${placeOf(url)} answered a line that is no JSON`);
      }
    }
  }
};

/** Sends JSON, or nothing, with PUT and gives the status of the answer. */
export const putJson = async (url: URL, body: object | undefined, asking: Asking): Promise<number> => {
  const headers = body ? { 'content-type': 'application/json', ...asking.headers } : asking.headers;
  const response = await answered(url, 'PUT', { ...asking, headers }, body && JSON.stringify(body));
  // its text may repeat what was sent
  for await (const _ of pieces(response, MAX_BYTES));
  return response.statusCode!;
};
