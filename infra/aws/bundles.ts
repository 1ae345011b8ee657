/** What a deployment may look like: the limits that `npm run package` and its test hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readZip, type ZipEntry } from './zip.ts';

/** CloudFormation takes 500 resources a stack. */
export const MAX_RESOURCES = 499;

/** Bytes that a start loads of a function: without the AWS SDK, which the runtime brings, and parts that are loaded when first used. */
export const MAX_BUNDLE = 220_000;

/** The function that carries events to RabbitMQ loads amqplib in addition: it does nothing else. */
const MAX_BRIDGE = 350_000;

const FORBIDDEN = /["'](pg|pg-native|amqplib|@node-rs\/argon2)["']/;

const BRIDGE = 'bridge-to-rabbitmq';
/** The one place of amqplib: beside the function that carries events to RabbitMQ. */
export const AMQP = `functions/lambda/${BRIDGE}.amqp.mjs`;

export interface Bundle {
  name: string;
  /** Bytes of the function's own file and of those that it imports at once. */
  size: number;
  budget: number;
  files: ZipEntry[];
}

/** Bytes of a file and of what it imports at once, each counted once. */
const loadedAtOnce = (files: readonly ZipEntry[], name: string, seen = new Set<string>()): number => {
  const file = files.find((entry) => entry.name === name);
  if (!file || seen.has(name)) return 0;
  seen.add(name);
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const imports = [...file.content.toString().matchAll(/\b(?:from|import)"\.\/([^"]+\.mjs)"/g)];
  return imports.reduce((sum, [, other]) => sum + loadedAtOnce(files, folder + other!, seen), file.content.length);
};

/** The bundles of a package, largest first. */
export const bundlesIn = (folder: string): Bundle[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.zip'))
    .map((file) => {
      const name = file.slice(0, -'.zip'.length);
      const files = readZip(readFileSync(join(folder, file)));
      const size = loadedAtOnce(files, `functions/lambda/${name}.mjs`);
      return { name, size, budget: name === BRIDGE ? MAX_BRIDGE : MAX_BUNDLE, files };
    })
    .sort((a, b) => b.size - a.size);

/** What is wrong with a bundle. */
export const faultsOf = ({ name, size, budget, files }: Bundle): string[] => [
  ...(name !== BRIDGE && files.some((file) => file.name === AMQP) ? [`${name} carries amqplib`] : []),
  ...(size === 0 ? [`${name} holds no bundle`] : []),
  ...(size >= budget ? [`${name} has ${size} bytes: it has to stay below ${budget}`] : []),
  ...files.filter((file) => file.name.endsWith('.node')).map((file) => `${name} carries a native addon: ${file.name}`),
  ...files
    .filter((file) => file.name.endsWith('.mjs') && file.name !== AMQP && FORBIDDEN.test(file.content.toString()))
    .map((file) => `${name} carries ${FORBIDDEN.exec(file.content.toString())![1]}`),
];

/** The resources of a packaged template. */
export const resourcesIn = (folder: string): Record<string, { Type: string; Properties: any }> =>
  JSON.parse(readFileSync(join(folder, 'cloudformation-template-update-stack.json'), 'utf8')).Resources;
