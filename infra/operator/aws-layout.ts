/** The queues and rules of a deployment, from the templates that it was deployed with. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { BridgeConfig } from '../../shared/config/bus.ts';
import { TO_RABBITMQ } from '../../shared/messaging/bridge/carrying.ts';
import type { AwsLayout } from '../../shared/messaging/eventbridge/layout.ts';
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import type { Topology } from '../../shared/messaging/topology.ts';

interface Resource {
  Type: string;
  Properties: any;
}

const textOf = (file: string): string => readFileSync(new URL(`../generated/${file}`, import.meta.url), 'utf8');

/** The resources of these types, as the generator writes them; to read them all takes half a second. */
const resourcesOf = (text: string, types: readonly string[]): Record<string, Resource> => {
  const [, section = ''] = /^Resources:\n((?: .*\n|\n)*)/m.exec(text) ?? [];
  const wanted = section
    .split(/^(?= {2}\S)/m)
    .filter((each) => types.some((type) => each.includes(`\n    Type: ${type}\n`)));
  if (wanted.length === 0) throw new Error('infra/generated/resources.yml: no queue stands where it should');
  return parse(wanted.join(''));
};
const PREFIX = /^\$\{self:service\}-\$\{sls:stage\}-/;

/** The resource that an `Fn::GetAtt` speaks of. */
const idOf = (value: any): string | undefined => value?.['Fn::GetAtt']?.[0];

/**
 * Reads infra/generated/resources.yml, and bridge.yml for what only deployments with a bridge have.
 *
 * @param prefix `<service>-<stage>`, with which the names of all queues begin
 */
export const awsLayout = (prefix: string, bus: string, topology: Topology): AwsLayout => {
  const bridge: Record<string, Resource> = parse(textOf('bridge.yml')).on.resources.Resources;
  const own = resourcesOf(textOf('resources.yml'), ['AWS::SQS::Queue', 'AWS::Events::Rule']);
  const all: [string, Resource][] = Object.entries({ ...own, ...bridge });
  const suffixes = new Map(
    all
      .filter(([, { Type }]) => Type === 'AWS::SQS::Queue')
      .map(([id, { Properties }]) => [id, String(Properties.QueueName).replace(PREFIX, '')]),
  );
  const nameOf = (id: string | undefined): string => `${prefix}-${suffixes.get(id ?? '')}`;
  const names = [...topology.queues.map(({ name }) => name), TO_RABBITMQ];
  const ours = new Map(names.map((name) => [name.replaceAll('.', '-'), name]));
  const fed = all.flatMap(([id, { Type, Properties }]) => {
    const dead = idOf(Properties?.RedrivePolicy?.deadLetterTargetArn);
    return Type === 'AWS::SQS::Queue' && dead ? [{ id, dead }] : [];
  });
  return {
    bus,
    queues: [...Map.groupBy(fed, ({ dead }) => dead)].map(([dead, sources]) => {
      // an urgent twin shares the dead letters of its queue
      const [first, twin] = sources.map(({ id }) => id).sort((one, other) => one.length - other.length);
      const suffix = suffixes.get(first!)!;
      return {
        name: ours.get(suffix) ?? suffix,
        sqs: nameOf(first),
        ...(twin && { urgent: nameOf(twin) }),
        dead: nameOf(dead),
        ...(dead in bridge && { optional: true as const }),
      };
    }),
    rules: all.flatMap(([, { Type, Properties }]) => {
      if (Type !== 'AWS::Events::Rule' || !Properties.EventPattern) return [];
      const targets = (Properties.Targets as { Arn: any }[]).map(({ Arn }) => idOf(Arn));
      return targets
        .filter((id) => id !== undefined && suffixes.has(id))
        .map((id) => ({ to: nameOf(id), pattern: Properties.EventPattern as object }));
    }),
  };
};

/** What stands in AWS for a bridge that runs as a process: the queue that BRIDGE_URL names, and the rule that fills it. */
export const bridgeLayout = ({ bus, queue: name }: BridgeConfig): AwsLayout => ({
  bus,
  queues: [{ name, sqs: name, dead: `${name}-dead` }],
  rules: [{ to: name, pattern: compileBindings(['#']) }],
});
