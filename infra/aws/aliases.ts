/** Puts a version and an alias before functions, and sends to the alias whoever was sent to the function. */
import { PREFIX } from '../generate/names.ts';
import { MAX_RESOURCES } from './bundles.ts';
import { CANARIES, type Canaries } from './canaries.ts';
import { ALIAS, alarmFor, frame, groupOf, moved } from './releases.ts';
import type { Resource, Template } from './template.ts';
import { digest } from './versions.ts';
import type { ZipEntry } from './zip.ts';

interface Canary {
  /** As in serverless.yml. */
  key: string;
  /** Of the function, in the template. */
  id: string;
}

const aliasId = ({ id }: Canary): string => `${id}Live`;

/** @throws Error for a name that no function has */
const chosen = ({ Resources }: Template, { named }: Canaries, prefix: string): Canary[] => {
  const ids = new Map(
    Object.entries(Resources)
      .filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
      .map(([id, { Properties }]) => [Properties!.FunctionName as string, id]),
  );
  return (named ?? CANARIES).flatMap((key) => {
    const id = ids.get(`${prefix}-${key}`);
    if (id === undefined && named)
      throw new Error(`PERFECT21_CANARY_FUNCTIONS: there is no function "${key}" in this stack`);
    return id === undefined ? [] : [{ key, id }];
  });
};

/** Whoever is told of one of the functions hears of its alias: by reference, or by its ARN as text. */
const retold = (value: any, aliases: ReadonlyMap<string, string>, names: ReadonlySet<string>): any => {
  const isCanary = (text: any): boolean => names.has(text?.['Fn::Join']?.[1].at(-1));
  const ending = ({ 'Fn::Join': [by, parts] }: any, more: string) => ({
    'Fn::Join': [by, [...parts.slice(0, -1), parts.at(-1) + more]],
  });
  if (Array.isArray(value)) return value.map((each) => retold(each, aliases, names));
  if (typeof value !== 'object' || value === null) return value;
  const [id, attribute] = value['Fn::GetAtt'] ?? [];
  if (attribute === 'Arn' && aliases.has(id)) return { Ref: aliases.get(id) };
  if (isCanary(value)) return ending(value, `:${ALIAS}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      // AWS does not say whether a version calls by its own ARN or by that of the function
      name === 'lambda:SourceFunctionArn' && isCanary(each) ? [each, ending(each, ':*')] : retold(each, aliases, names),
    ]),
  );
};

/** Roads to an alias are changed when it is there. The HTTP API can't wait where functions wait for its own address. */
const ordered = ({ Resources }: Template, canaries: readonly Canary[]): void => {
  const text = (of: unknown): string => JSON.stringify(of);
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  const waits = text(functions).includes('"HttpApi"');
  for (const [id, road] of Object.entries(Resources)) {
    if (road.Type !== 'AWS::ApiGatewayV2::Integration' && (id !== 'HttpApi' || waits)) continue;
    const told = text(road.Properties);
    const behind = canaries.filter(({ key }) => told.includes(`-${key}:${ALIAS}"`)).map((each) => aliasId(each));
    if (behind.length) road.DependsOn = [...[road.DependsOn ?? []].flat(), ...behind];
  }
};

/**
 * Changes a template in place.
 *
 * @param of.prefix the names of this deployment begin so
 * @param of.files of a function's package, by its key
 * @param of.restart a text that makes versions of what is as it was, so that all start anew (`serverless deploy --force`)
 * @throws Error for a function that is not there, and for more resources than a stack takes
 */
export const addCanaries = (
  template: Template,
  asked: Canaries,
  of: { prefix: string; files: (key: string) => readonly ZipEntry[]; restart?: string },
): void => {
  const canaries = chosen(template, asked, of.prefix);
  if (canaries.length === 0) return;
  const aliases = new Map(canaries.map((each) => [each.id, aliasId(each)]));
  const names = new Set(canaries.map(({ key }) => `function:${of.prefix}-${key}`));
  const added: Record<string, unknown> = frame(canaries.map(({ key }) => key));
  for (const { key, id } of canaries) {
    const properties = template.Resources[id]!.Properties!;
    if (of.restart) Object.assign(properties.Environment.Variables, { DEPLOYED_AT: of.restart });
    const version = `${id}Version${digest(properties, of.files(key))}`;
    added[version] = {
      Type: 'AWS::Lambda::Version',
      // for whoever gives the alias back by hand
      ...{ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' },
      Properties: { FunctionName: { Ref: id } },
    };
    added[`${id}Failing`] = alarmFor(template, key);
    added[`${id}Release`] = groupOf(`${id}Failing`, asked.steps);
    added[aliases.get(id)!] = {
      Type: 'AWS::Lambda::Alias',
      UpdatePolicy: moved(`${id}Release`),
      Properties: {
        Name: ALIAS,
        FunctionName: { Ref: id },
        FunctionVersion: { 'Fn::GetAtt': [version, 'Version'] },
      },
    };
  }
  template.Resources = retold(template.Resources, aliases, names);
  if (template.Outputs) template.Outputs = retold(template.Outputs, aliases, names);
  Object.assign(
    template.Resources,
    JSON.parse(JSON.stringify(added).replaceAll(PREFIX, of.prefix)) as Record<string, Resource>,
  );
  ordered(template, canaries);
  const count = Object.keys(template.Resources).length;
  if (count > MAX_RESOURCES)
    throw new Error(
      `PERFECT21_CANARY_FUNCTIONS: ${canaries.length} functions make ${count} resources, and a stack takes ${MAX_RESOURCES}`,
    );
};
