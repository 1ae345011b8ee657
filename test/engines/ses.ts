/** A small double of Amazon SES, API v2: the REST JSON protocol, SendEmail with simple content, real refusals. */
import type { ServerResponse } from 'node:http';
import { type Fault, fault, startDouble } from './double.ts';

/** Headers that SES sets itself: nobody may bring them with simple content. */
const RESERVED =
  /^(bcc|cc|content-disposition|content-type|date|from|message-id|mime-version|reply-to|return-path|subject|to)$/i;

export interface SentMail {
  FromEmailAddress: string;
  Destination: { ToAddresses: string[] };
  Content: {
    Simple: {
      Subject: { Data: string; Charset: string };
      Body: { Text: { Data: string; Charset: string }; Html: { Data: string; Charset: string } };
      Headers?: { Name: string; Value: string }[];
    };
  };
}

/** What the double does instead of its work. */
export type Trouble = { status: number; type: string } | 'silence' | 'half an answer' | 'cut off';

const addressOf = (mailbox: string): string => /<([^<>]+)>$/.exec(mailbox)?.[1] ?? mailbox;

/** Refuses what SES refuses. */
const check = (mail: SentMail, identities: ReadonlySet<string>): void => {
  const { FromEmailAddress, Destination, Content } = mail;
  const { Subject, Body, Headers = [] } = Content.Simple;
  if (!/^[ -~]*$/.test(FromEmailAddress)) throw fault('BadRequestException', 'Non-ASCII sender');
  const from = addressOf(FromEmailAddress);
  if (!identities.has(from) && !identities.has(from.slice(from.indexOf('@') + 1))) {
    throw fault('MessageRejected', `Email address is not verified. The following identities failed the check: ${from}`);
  }
  for (const to of Destination.ToAddresses) {
    if (!/^[!-~]+@[a-z0-9.-]+\.[a-z0-9-]+$/i.test(to)) throw fault('BadRequestException', 'Local address contains …');
  }
  for (const { Charset } of [Subject, Body.Text, Body.Html]) {
    if (Charset !== 'UTF-8') throw fault('BadRequestException', `Unknown charset ${Charset}`);
  }
  if (/[\r\n]/.test(Subject.Data)) throw fault('BadRequestException', 'Invalid subject');
  for (const { Name, Value } of Headers) {
    if (RESERVED.test(Name)) throw fault('BadRequestException', `Header ${Name} is not allowed`);
    if (!/^[!-9;-~]{1,126}$/.test(Name) || !/^[ -~]{1,995}$/.test(Value)) {
      throw fault('BadRequestException', `Header ${Name} is not valid`);
    }
  }
};

const refuse = (
  response: ServerResponse,
  { type, status, message }: { type: string; status: number; message: string },
) => {
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type });
  response.end(JSON.stringify({ message }));
};

/** Starts the double on a free port. It sends for `identities` only; `state.trouble` is what it does to every request. */
export const startSes = async (...identities: string[]) => {
  const sent: SentMail[] = [];
  const state: { trouble?: Trouble; requests: number } = { requests: 0 };
  const verified = new Set(identities);
  const double = await startDouble(async (body, request, response) => {
    state.requests += 1;
    const { trouble } = state;
    if (trouble === 'silence') return;
    if (trouble === 'cut off') return void request.socket.destroy();
    if (trouble === 'half an answer') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      return void response.write('{"MessageId"');
    }
    try {
      if (trouble) throw fault(trouble.type, 'in trouble', trouble.status);
      if (request.method !== 'POST' || request.url !== '/v2/email/outbound-emails') {
        throw fault('NotFoundException', `${request.method} ${request.url}`, 404);
      }
      if (!/^AWS4-HMAC-SHA256 Credential=\S+\/ses\/aws4_request,/.test(request.headers.authorization ?? '')) {
        throw fault('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
      }
      const mail = JSON.parse(body.toString()) as SentMail;
      check(mail, verified);
      sent.push(mail);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ MessageId: `0102-${sent.length}` }));
    } catch (thrown) {
      refuse(response, thrown as Fault);
    }
  });
  return {
    sent,
    state,
    ...double,
  };
};
