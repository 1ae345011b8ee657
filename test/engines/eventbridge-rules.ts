/** Rules of the double of EventBridge as its API makes and shows them: by name, with a state and targets. */
import { wrongWithPattern } from '../support/eventbridge-matcher.ts';
import type { Rule } from './eventbridge.ts';

interface Standing {
  Name: string;
  EventPattern: string;
  State: string;
  Description?: string;
  Targets: { Id: string; Arn: string }[];
}

const notFound = (name: string) =>
  Object.assign(new Error(`Rule ${name} does not exist.`), { type: 'ResourceNotFoundException', status: 400 });

/**
 * What `startEventBridge` takes as `rules` and `control`. A rule's target is the name of the queue in its ARN.
 *
 * @example const { rules, control, standing } = ruleControl();
 */
export const ruleControl = () => {
  const standing = new Map<string, Standing>();
  const rules: Rule[] = [];
  const of = (name: string): Standing => {
    const found = standing.get(name);
    if (!found) throw notFound(name);
    return found;
  };
  const calls: Record<string, (body: any) => object> = {
    PutRule: ({ Name, EventPattern, Description, State = 'ENABLED' }) => {
      const wrong = wrongWithPattern(JSON.parse(EventPattern));
      if (wrong) throw Object.assign(new Error(wrong), { type: 'InvalidEventPatternException', status: 400 });
      standing.set(Name, { Name, EventPattern, Description, State, Targets: standing.get(Name)?.Targets ?? [] });
      return { RuleArn: `arn:aws:events:eu-central-1:000000000000:rule/events/${Name}` };
    },
    PutTargets: ({ Rule: name, Targets }) => {
      of(name).Targets.push(...Targets);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets: ({ Rule: name, Ids }) => {
      const rule = of(name);
      rule.Targets = rule.Targets.filter(({ Id }) => !Ids.includes(Id));
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    DeleteRule: ({ Name }) => {
      if (standing.get(Name)?.Targets.length) {
        throw Object.assign(new Error("Rule can't be deleted since it has targets."), { type: 'ValidationException' });
      }
      standing.delete(Name);
      return {};
    },
    ListRules: ({ NamePrefix = '' }) => ({
      Rules: [...standing.values()].filter(({ Name }) => Name.startsWith(NamePrefix)),
    }),
    ListTargetsByRule: ({ Rule: name }) => ({ Targets: of(name).Targets }),
  };
  const control = (action: string, body: any): object => {
    const call = calls[action];
    if (!call) throw Object.assign(new Error(action), { type: 'UnknownOperationException', status: 400 });
    const answer = call(body);
    rules.length = 0;
    for (const { EventPattern, State, Targets } of standing.values()) {
      if (State !== 'ENABLED') continue;
      for (const { Arn } of Targets) rules.push({ pattern: JSON.parse(EventPattern), target: Arn.split(':').at(-1)! });
    }
    return answer;
  };
  return { rules, control, standing };
};
