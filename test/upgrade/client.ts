/** A client of a process of either release, and the mails that it gets. */
import type { SmtpDouble } from '../engines/smtp.ts';
import type { Started } from '../support/process.ts';

export const PASSWORD = 'violet tractors hum quietly';

/** A process of either release, as a client sees it. */
export const sideOf = (started: Started, smtp: SmtpDouble) => {
  const call = async (path: string, body?: object, token?: string, method = body ? 'POST' : 'GET') => {
    const response = await fetch(`${started.address('REST')}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  return { call, smtp, end: () => started.end() };
};
export type Side = ReturnType<typeof sideOf>;

/** The token in the mail that the platform sent to an address through one of these servers. */
export const mailed = async (email: string, ...servers: SmtpDouble[]): Promise<string> => {
  const found = () => servers.flatMap(({ recipients, texts }) => texts.filter((_, n) => recipients[n] === email))[0];
  await Promise.race(servers.map((each) => each.until(() => found() !== undefined)));
  // as mails carry it: lines are broken, and "=" is written "=3D"
  return /token=([\w-]+)/.exec(found()!.replaceAll('=\r\n', '').replaceAll('=3D', '='))![1]!;
};
