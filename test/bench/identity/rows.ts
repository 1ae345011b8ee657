/** Rows over HTTP as a client sends and reads them: no faster than the other side. */
import { once } from 'node:events';
import { request } from 'node:http';

/** One of a million accounts. Names and domains repeat as those of people do. */
export const personOf = (n: number) => ({
  external_id: `p${n}`,
  email: `${LETTERS[n % 26]}person${n}@${n % 3 ? 'mail' : `company${n % 1_000}`}.example`,
  first_name: `${LETTERS[(n * 7) % 26]}da${n % 500}`.replace(/^./, (letter) => letter.toUpperCase()),
  last_name: `Byron${(n * 13) % 5_000}`,
  password_hash: HASH,
});
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Nobody's. */
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

const CHUNK = 200;

export interface Passed {
  rows: number;
  /** Milliseconds to the first row, and to the end. */
  first: number;
  whole: number;
}

/** Sends rows and reads what is answered, or only reads. @throws Error for an answer that is no stream of rows */
export const pass = async (
  port: number,
  { method, path, token }: { method: string; path: string; token: string },
  people?: Iterable<object>,
): Promise<Passed> => {
  const started = performance.now();
  const sent = request({
    ...{ port, method, path },
    headers: { authorization: `Bearer ${token}`, ...(people && { 'content-type': 'application/x-ndjson' }) },
  });
  const passed: Passed = { rows: 0, first: 0, whole: 0 };
  const answered = new Promise<void>((resolve, reject) => {
    sent.on('error', reject).on('response', (response) => {
      let last = '';
      response.on('data', (chunk: Buffer) => {
        passed.first ||= performance.now() - started;
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) passed.rows += 1;
        last = chunk.subarray(-400).toString();
      });
      response.on('error', reject).on('end', () => {
        if (response.statusCode === 200 && response.complete) resolve();
        else reject(new Error(`${path}: ${response.statusCode} ${last}`));
      });
    });
  });
  answered.catch(() => {});
  let text = '';
  let count = 0;
  for (const each of people ?? []) {
    text += `${JSON.stringify(each)}\n`;
    count += 1;
    if (count % CHUNK) continue;
    if (!sent.write(text)) await Promise.race([once(sent, 'drain'), answered]);
    text = '';
  }
  sent.end(text);
  await answered;
  passed.whole = performance.now() - started;
  return passed;
};
