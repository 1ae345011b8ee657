/** The queues and rules of a deployment, from the template that it was deployed with. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { AwsLayout } from '../../shared/messaging/eventbridge/layout.ts';
import type { Topology } from '../../shared/messaging/topology.ts';

interface Resource {
  Type: string;
  Properties: any;
}

const TEMPLATE = new URL('../generated/resources.yml', import.meta.url);
const PREFIX = /^\$\{self:service\}-\$\{sls:stage\}-/;

/** The resource that an `Fn::GetAtt` speaks of. */
const idOf = (value: any): string | undefined => value?.['Fn::GetAtt']?.[0];

/**
 * Reads infra/generated/resources.yml.
 *
 * @param prefix `<service>-<stage>`, with which the names of all queues begin
 */
export const awsLayout = (prefix: string, bus: string, topology: Topology): AwsLayout => {
  const { Resources } = parse(readFileSync(TEMPLATE, 'utf8')) as { Resources: Record<string, Resource> };
  const all = Object.entries(Resources);
  const suffixes = new Map(
    all
      .filter(([, { Type }]) => Type === 'AWS::SQS::Queue')
      .map(([id, { Properties }]) => [id, String(Properties.QueueName).replace(PREFIX, '')]),
  );
  const nameOf = (id: string | undefined): string => `${prefix}-${suffixes.get(id ?? '')}`;
  const ours = new Map(topology.queues.map(({ name }) => [name.replaceAll('.', '-'), name]));
  const fed = all.flatMap(([id, { Type, Properties }]) => {
    const dead = idOf(Properties?.RedrivePolicy?.deadLetterTargetArn);
    return Type === 'AWS::SQS::Queue' && dead ? [{ id, dead }] : [];
  });
  return {
    bus,
    queues: [...Map.groupBy(fed, ({ dead }) => dead)].map(([dead, sources]) => {
      // an urgent twin shares the dead letters of its queue
      const [own, twin] = sources.map(({ id }) => id).sort((one, other) => one.length - other.length);
      const suffix = suffixes.get(own!)!;
      return {
        name: ours.get(suffix) ?? suffix,
        sqs: nameOf(own),
        ...(twin && { urgent: nameOf(twin) }),
        dead: nameOf(dead),
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
