/** One GET of a registry's HTTP API. `fetch` can't be given an authority to trust, so this is Node's own client. */
import { type IncomingHttpHeaders, request as plain } from 'node:http';
import { request as secure } from 'node:https';

/** Thousands of instances fit; what is longer is no list of ours. */
const MAX_BYTES = 8 * 1024 * 1024;

export interface JsonAnswer {
  body: unknown;
  headers: IncomingHttpHeaders;
}

/**
 * What a GET answers with 200, its body read as JSON. Follows no redirect.
 *
 * @param ca whom to trust instead of the public authorities, PEM
 * @throws Error for anything else; its message has neither headers nor body, which may hold a token
 */
export const getJson = (
  url: URL,
  { headers, ca, signal }: { headers: Record<string, string>; ca?: string; signal: AbortSignal },
): Promise<JsonAnswer> =>
  new Promise((resolve, reject) => {
    const at = `${url.origin}${url.pathname}`;
    const call = url.protocol === 'https:' ? secure : plain;
    const request = call(url, { headers: { accept: 'application/json', ...headers }, ca, signal }, (response) => {
      const fail = (problem: string): void => {
        reject(new Error(`${at} ${problem}`));
        response.destroy();
      };
      if (response.statusCode !== 200) return fail(`answered ${response.statusCode}`);
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_BYTES) fail('answered more than can be a list of instances');
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve({ body: JSON.parse(Buffer.concat(chunks).toString('utf8')), headers: response.headers });
        } catch {
          fail('answered no JSON');
        }
      });
    });
    request.on('error', (cause) => reject(signal.aborted ? new Error(`${at} did not answer in time`) : cause));
    request.end();
  });
