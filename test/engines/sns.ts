/** A small double of Amazon SNS: the Query protocol, Publish to a number or to an endpoint of an application, real refusals. */
import { type Fault, fault, startDouble } from './double.ts';

export interface Published {
  PhoneNumber?: string;
  TargetArn?: string;
  Message: string;
  MessageStructure?: string;
  /** By name. */
  attributes: Record<string, string>;
}

/** What the double does instead of its work. */
export type SnsTrouble = { status: number; code: string; message?: string } | 'silence' | 'half an answer' | 'cut off';

/** The account whose messages these are. One without `sandbox` writes to every number, one without `left` as much as it likes. */
export interface SnsAccount {
  /** The numbers that it proved, which are the only ones that a sandbox writes to. */
  sandbox?: ReadonlySet<string>;
  /** Messages that its spending limit leaves for this month. */
  left?: number;
  /** Sender ids that are registered, where the country wants that. */
  senders?: ReadonlySet<string>;
  optedOut: Set<string>;
}

const XMLNS = 'http://sns.amazonaws.com/doc/2010-03-31/';
const ENDPOINT = /^arn:aws:sns:[a-z0-9-]+:\d{12}:endpoint\/[A-Z_]+\/[^/]+\/[0-9a-f-]{36}$/;

/** Refuses what the account may not do. */
const admit = (account: SnsAccount, number: string, sender: string | undefined): void => {
  const { sandbox, senders, optedOut } = account;
  if (sandbox && !sandbox.has(number)) {
    throw fault(
      'InvalidParameter',
      'Invalid parameter: PhoneNumber Reason: not verified, the account is in the SMS sandbox',
    );
  }
  if (sender && senders && !senders.has(sender)) {
    throw fault('InvalidParameter', 'Invalid parameter: AWS.SNS.SMS.SenderID Reason: not registered');
  }
  if (optedOut.has(number)) throw fault('OptedOut', 'The phone number has opted out of messages from this account');
  if (account.left === 0) throw fault('InvalidParameter', 'No quota left for account: monthly spend limit reached');
  if (account.left !== undefined) account.left -= 1;
};

/** Refuses what SNS refuses. */
const read = (form: URLSearchParams, gone: ReadonlySet<string>, account: SnsAccount): Published => {
  const get = (name: string): string | undefined => form.get(name) ?? undefined;
  const Message = get('Message');
  const [PhoneNumber, TargetArn, MessageStructure] = [get('PhoneNumber'), get('TargetArn'), get('MessageStructure')];
  if (!Message) throw fault('InvalidParameter', 'Invalid parameter: Empty message');
  if (!!PhoneNumber === !!TargetArn) throw fault('InvalidParameter', 'Invalid parameter: one target is needed');
  if (PhoneNumber !== undefined) {
    if (!/^\+[1-9]\d{6,14}$/.test(PhoneNumber)) {
      throw fault(
        'InvalidParameter',
        `Invalid parameter: PhoneNumber Reason: ${PhoneNumber} is not valid to publish to`,
      );
    }
    if (Buffer.byteLength(Message) > 1600) throw fault('InvalidParameter', 'Invalid parameter: Message too long');
  } else {
    if (!ENDPOINT.test(TargetArn!)) throw fault('InvalidParameter', 'Invalid parameter: TargetArn Reason: no endpoint');
    if (gone.has(TargetArn!)) throw fault('EndpointDisabled', 'Endpoint is disabled');
    if (MessageStructure === 'json' && typeof JSON.parse(Message).default !== 'string') {
      throw fault('InvalidParameter', 'Invalid parameter: Message Structure - No default entry in JSON message body');
    }
  }
  const attributes: Record<string, string> = {};
  for (let at = 1; form.has(`MessageAttributes.entry.${at}.Name`); at++) {
    const entry = `MessageAttributes.entry.${at}`;
    if (form.get(`${entry}.Value.DataType`) !== 'String') throw fault('ParameterValueInvalid', 'Unknown type');
    attributes[form.get(`${entry}.Name`)!] = form.get(`${entry}.Value.StringValue`) ?? '';
  }
  if (PhoneNumber !== undefined) admit(account, PhoneNumber, attributes['AWS.SNS.SMS.SenderID']);
  return {
    ...(PhoneNumber !== undefined && { PhoneNumber }),
    ...(TargetArn !== undefined && { TargetArn }),
    ...(MessageStructure !== undefined && { MessageStructure }),
    Message,
    attributes,
  };
};

/**
 * Starts the double on a free port. `state.trouble` is what it does to every request; `gone` are disabled endpoints;
 * `account` is what it lets this account do.
 */
export const startSns = async () => {
  const published: Published[] = [];
  const gone = new Set<string>();
  const account: SnsAccount = { optedOut: new Set() };
  const state: { trouble?: SnsTrouble; requests: number; region?: string } = { requests: 0 };
  const double = await startDouble(async (body, request, response) => {
    state.requests += 1;
    const { trouble } = state;
    if (trouble === 'silence') return;
    if (trouble === 'cut off') return void request.socket.destroy();
    if (trouble === 'half an answer') {
      response.writeHead(200, { 'content-type': 'text/xml', 'content-length': '300' });
      return void response.write('<PublishResponse');
    }
    const answer = (status: number, body: string): void => {
      response.writeHead(status, { 'content-type': 'text/xml' });
      response.end(body);
    };
    const RequestId = `00000000-0000-0000-0000-${String(state.requests).padStart(12, '0')}`;
    try {
      if (trouble) throw fault(trouble.code, trouble.message ?? 'in trouble', trouble.status);
      const credential = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([a-z0-9-]+)\/sns\/aws4_request,/;
      const [, region] = credential.exec(request.headers.authorization ?? '') ?? [];
      if (!region) throw fault('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
      state.region = region;
      const form = new URLSearchParams(body.toString());
      if (form.get('Action') !== 'Publish' || form.get('Version') !== '2010-03-31') {
        throw fault('InvalidAction', 'The action is not valid for this endpoint');
      }
      published.push(read(form, gone, account));
      const MessageId = `94f20ce6-13c5-43a0-9a9e-${String(published.length).padStart(12, '0')}`;
      answer(
        200,
        `<PublishResponse xmlns="${XMLNS}"><PublishResult><MessageId>${MessageId}</MessageId></PublishResult>` +
          `<ResponseMetadata><RequestId>${RequestId}</RequestId></ResponseMetadata></PublishResponse>`,
      );
    } catch (thrown) {
      const { type: code, message, status } = thrown as Fault;
      answer(
        status,
        `<ErrorResponse xmlns="${XMLNS}"><Error><Type>${status < 500 ? 'Sender' : 'Receiver'}</Type><Code>${code}</Code>` +
          `<Message>${message}</Message></Error><RequestId>${RequestId}</RequestId></ErrorResponse>`,
      );
    }
  });
  return {
    published,
    gone,
    account,
    state,
    ...double,
  };
};
