/** What stands in AWS, compared with what the code declares: queues with their dead letters, and rules. */
import {
  DeleteRuleCommand,
  type EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutRuleCommand,
  RemoveTargetsCommand,
  type Rule,
} from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Difference } from '../operate.ts';
import { type AwsLayout, type AwsQueue, canonical, isNoQueue, nameOfArn } from './layout.ts';
import { type AwsClients, HEARS } from './own-queue.ts';
import { queueUrl } from './sqs.ts';
import { TAIL } from './tail.ts';

/** A rule that stands there and the queue in SQS that it brings events to. */
interface Standing {
  name: string;
  to: string;
  pattern: string;
  enabled: boolean;
  targets: string[];
}

const asPattern = (text: string | undefined): string => {
  try {
    return canonical(JSON.parse(text ?? 'null'));
  } catch {
    return text ?? '';
  }
};

/** The rules of the bus that bring events to queues, but for those of tails. */
const standing = async (events: EventBridgeClient, bus: string): Promise<Standing[]> => {
  const rules: Rule[] = [];
  for (let NextToken: string | undefined, first = true; first || NextToken; first = false) {
    const page = await events.send(new ListRulesCommand({ EventBusName: bus, NextToken }));
    rules.push(...(page.Rules ?? []));
    NextToken = page.NextToken;
  }
  const found: Standing[] = [];
  for (const { Name = '', EventPattern, State } of rules) {
    if (Name.startsWith(TAIL) || Name.startsWith(HEARS)) continue;
    const asked = new ListTargetsByRuleCommand({ EventBusName: bus, Rule: Name });
    const { Targets = [] } = await events.send(asked);
    const targets = Targets.map(({ Id = '' }) => Id);
    const base = { name: Name, pattern: asPattern(EventPattern), enabled: State !== 'DISABLED', targets };
    for (const { Arn } of Targets) found.push({ ...base, to: nameOfArn(Arn) });
  }
  return found;
};

interface Pairs {
  /** Rules that differ, with the pattern that each should have. */
  different: { rule: Standing; pattern: object }[];
  missing: { to: string }[];
  left: Standing[];
}

/** Each rule of the code and the one that stands for it: the same pattern if there is one, else any of its queue. */
const pairs = ({ queues, rules }: AwsLayout, there: readonly Standing[]): Pairs => {
  const found: Pairs = { different: [], missing: [], left: [] };
  for (const sqs of queues.flatMap(({ sqs, urgent }) => (urgent ? [sqs, urgent] : [sqs]))) {
    const own = there.filter(({ to }) => to === sqs);
    const unmet: object[] = [];
    for (const { pattern } of rules.filter(({ to }) => to === sqs)) {
      const at = own.findIndex((each) => each.pattern === canonical(pattern));
      if (at < 0) unmet.push(pattern);
      else if (own[at]!.enabled) own.splice(at, 1);
      else found.different.push({ rule: own.splice(at, 1)[0]!, pattern });
    }
    for (const pattern of unmet) {
      const rule = own.shift();
      if (rule) found.different.push({ rule, pattern });
      else found.missing.push({ to: sqs });
    }
    found.left.push(...own);
  }
  return found;
};

/** What differs of a queue; undefined for an optional one that this deployment has not. */
const compareQueue = async (sqs: SQSClient, queue: AwsQueue): Promise<Difference[] | undefined> => {
  const attributesOf = async (of: string) => {
    try {
      const asked = {
        QueueUrl: await queueUrl(sqs, of),
        AttributeNames: ['QueueArn' as const, 'RedrivePolicy' as const],
      };
      return (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes ?? {};
    } catch (cause) {
      if (isNoQueue(cause)) return undefined;
      throw cause;
    }
  };
  const differences: Difference[] = [];
  let there = 0;
  for (const name of [queue.dead, queue.sqs, ...(queue.urgent ? [queue.urgent] : [])]) {
    const found = await attributesOf(name);
    if (found) there++;
    if (!found) differences.push({ kind: 'missing', what: `queue ${name}` });
    if (!found || name === queue.dead) continue;
    const redrive = nameOfArn(JSON.parse(found.RedrivePolicy ?? '{}').deadLetterTargetArn);
    if (redrive === queue.dead) continue;
    const detail = redrive ? `its dead letters go to ${redrive}` : 'it has no dead letters';
    differences.push({ kind: 'different', what: `queue ${name}`, detail });
  }
  return queue.optional && there === 0 ? undefined : differences;
};

/** What is not as the code says. */
export const compareAws = async ({ events, sqs }: AwsClients, layout: AwsLayout): Promise<Difference[]> => {
  const found = await Promise.all(layout.queues.map((queue) => compareQueue(sqs, queue)));
  const differences = found.flatMap((each) => each ?? []);
  const there = { ...layout, queues: layout.queues.filter((_, at) => found[at]) };
  const { different, missing, left } = pairs(there, await standing(events, layout.bus));
  for (const { to } of missing) differences.push({ kind: 'missing', what: `rule for ${to}` });
  for (const { rule, pattern } of different) {
    const detail = rule.pattern === canonical(pattern) ? 'it is disabled' : 'it takes other events';
    differences.push({ kind: 'different', what: `rule ${rule.name} for ${rule.to}`, detail });
  }
  for (const { name, to } of left) differences.push({ kind: 'left over', what: `rule ${name} for ${to}` });
  return differences;
};

/** Gives rules the patterns of the code; with `prune`, removes those that the code has not. */
export const mendRules = async ({ events }: AwsClients, layout: AwsLayout, prune: boolean): Promise<string[]> => {
  const { bus: EventBusName } = layout;
  const { different, left } = pairs(layout, await standing(events, EventBusName));
  const done: string[] = [];
  for (const { rule, pattern } of different) {
    const mended = { EventPattern: JSON.stringify(pattern), State: 'ENABLED' as const };
    await events.send(new PutRuleCommand({ EventBusName, Name: rule.name, ...mended }));
    done.push(`mended rule ${rule.name} for ${rule.to}`);
  }
  for (const { name, to, targets } of prune ? left : []) {
    await events.send(new RemoveTargetsCommand({ EventBusName, Rule: name, Ids: targets }));
    await events.send(new DeleteRuleCommand({ EventBusName, Name: name }));
    done.push(`removed rule ${name} for ${to}`);
  }
  return done;
};
