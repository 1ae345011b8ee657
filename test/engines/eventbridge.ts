/**
 * A small double of EventBridge: PutEvents in AWS' JSON 1.1 with its limits, and rules that bring events to targets.
 *
 * Each rule's pattern is judged by test/support/eventbridge-matcher.ts; a matched event is delivered in EventBridge's own
 * frame before PutEvents is answered.
 */
import { matchesPattern, wrongWithPattern } from '../support/eventbridge-matcher.ts';
import { type Fault, fault, startDouble } from './double.ts';

export interface Entry {
  EventBusName: string;
  Source: string;
  DetailType: string;
  Detail: string;
  /** Unix seconds. */
  Time?: number;
}

export interface Rule {
  pattern: object;
  target: string;
}

/**
 * What the double does instead of its work: it refuses calls, calls with certain entries, or entries by an error code,
 * or takes an entry and brings it nowhere.
 */
export interface Trouble {
  spoils?: (entry: Entry) => boolean;
  call?: { status: number; type: string };
  entry?: (entry: Entry) => string | undefined;
  loses?: (entry: Entry) => boolean;
}

const MAX_BYTES = 256 * 1024;

const bytesOf = ({ Source, DetailType, Detail, Time }: Entry): number =>
  [Source, DetailType, Detail].reduce((sum, text) => sum + Buffer.byteLength(text), Time ? 14 : 0);

/** The events that a template's rules bring to its queues, by the queue's logical id. */
export const rulesIn = (resources: Record<string, { Type: string; Properties?: any }>): Rule[] =>
  Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::Events::Rule')
    .filter(({ Properties }) => Properties.EventPattern)
    .flatMap(({ Properties: { EventPattern, Targets } }) =>
      Targets.map(({ Arn }: any) => ({ pattern: EventPattern, target: Arn['Fn::GetAtt'][0] })),
    );

/** Starts the double on a free port, with one bus. `deliver` gets what a target would. */
export const startEventBridge = async (options: {
  bus: string;
  rules: readonly Rule[];
  deliver(target: string, body: string): Promise<void>;
  /** Answers calls that are about rules. */
  control?: (action: string, body: any) => object;
}) => {
  const { bus, rules, deliver } = options;
  for (const { pattern } of rules) {
    const wrong = wrongWithPattern(pattern);
    if (wrong) throw new Error(`EventBridge would not take a rule: ${wrong}`);
  }
  const requests: Entry[][] = [];
  const state: { trouble: Trouble } = { trouble: {} };
  let count = 0;

  const put = async (entry: Entry): Promise<object> => {
    const code = state.trouble.entry?.(entry);
    if (code) return { ErrorCode: code, ErrorMessage: 'in trouble' };
    let detail: unknown;
    try {
      detail = JSON.parse(entry.Detail);
    } catch {
      return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    }
    const id = `event-${++count}`;
    const event = {
      version: '0',
      id,
      'detail-type': entry.DetailType,
      source: entry.Source,
      account: '111122223333',
      time: new Date((entry.Time ?? 0) * 1000).toISOString().replace(/\.\d+/, ''),
      region: 'eu-central-1',
      resources: [],
      detail,
    };
    for (const { pattern, target } of rules) {
      if (state.trouble.loses?.(entry)) break;
      if (matchesPattern(pattern, event)) await deliver(target, JSON.stringify(event));
    }
    return { EventId: id };
  };

  const answer = async (target: string | undefined, authorization: string | undefined, body: string) => {
    if (!/^AWS4-HMAC-SHA256 Credential=\S+\/events\/aws4_request,/.test(authorization ?? '')) {
      throw fault('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
    }
    const action = target?.replace(/^AWSEvents\./, '') ?? '';
    if (action !== 'PutEvents') {
      if (!options.control) throw fault('UnknownOperationException', action);
      return options.control(action, JSON.parse(body));
    }
    const { Entries } = JSON.parse(body) as { Entries: Entry[] };
    requests.push(Entries);
    const { call, spoils } = state.trouble;
    if (spoils && Entries.some(spoils)) throw fault('ValidationException', 'an entry is not valid');
    if (call) throw fault(call.type, 'in trouble', call.status);
    if (Entries.length === 0 || Entries.length > 10) throw fault('ValidationException', 'Entries: from 1 to 10');
    if (Entries.reduce((sum, entry) => sum + bytesOf(entry), 0) > MAX_BYTES) {
      throw fault('ValidationException', 'Total size of the entries in the request is over the limit.');
    }
    if (Entries.some(({ EventBusName }) => EventBusName !== bus)) throw fault('ResourceNotFoundException', 'no bus');
    const results: object[] = [];
    for (const entry of Entries) results.push(await put(entry));
    return { Entries: results, FailedEntryCount: results.filter((each) => 'ErrorCode' in each).length };
  };

  const double = await startDouble(async (body, request, response) => {
    const { authorization, 'x-amz-target': target } = request.headers;
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      response.end(JSON.stringify(await answer(target?.toString(), authorization, body.toString())));
    } catch (thrown) {
      const { type, status, message } = thrown as Fault;
      response.statusCode = status ?? 500;
      response.end(JSON.stringify({ __type: type ?? 'InternalException', message }));
    }
  });
  return {
    /** The entries of each request, also of those that failed. */
    requests,
    state,
    ...double,
  };
};
