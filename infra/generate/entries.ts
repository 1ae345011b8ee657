/** The entries of the functions: functions/lambda/, one file each, with the adapters that it needs and no others. */
import { basename } from 'node:path';
import { topologyOf } from '../../shared/messaging/topology.ts';
import { type Choice, choicesOf } from './adapters.ts';
import { eventDocument } from './asyncapi.ts';
import { banner, DOCUMENT, EVENT_DOCUMENT, type GeneratedFile, type Generator } from './files.ts';
import { document } from './openapi.ts';
import {
  authorizerFunction,
  bridgeFunctions,
  everywhere,
  type LambdaFunction,
  type Located,
  lambdaFunctions,
  locate,
  schema,
} from './platform.ts';

const FOLDER = 'functions/lambda';
const BANNER = banner('entries.ts');

/** The path of a file as an entry imports it. */
const from = (file: string): string => file.replace(/^functions\//, '../').replace(/^shared\//, '../../shared/');

const importsOf = (sources: readonly Located[]): string => {
  for (const [name, same] of Map.groupBy(sources, (source) => source.name)) {
    const files = new Set(same.map(({ file }) => file));
    if (files.size > 1) throw new Error(`one entry can't import two things called ${name}: ${[...files].join(', ')}`);
  }
  const byFile = Map.groupBy(sources, ({ file }) => from(file));
  return [...byFile]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, found]) => {
      const names = [...new Set(found.map(({ name }) => name))].sort();
      return `import { ${names.join(', ')} } from '${file}';`;
    })
    .join('\n');
};

const expression = (choice: Choice): string => {
  const of = ({ name, ofSchema }: Choice['aws']): string =>
    ofSchema === undefined ? name : `${name}(schema${ofSchema && `, ${ofSchema}`})`;
  return choice.local ? `${choice.when} ? ${of(choice.aws)} : ${of(choice.local)}` : of(choice.aws);
};

const namesOf = (operations: LambdaFunction['judges'] = []): string =>
  operations.map((op) => locate(op).name).join(', ');

/** The door of a function, the module of shared/doors/lambda/ that has it, and what it takes before the adapters. */
const doorOf = (of: LambdaFunction, names: string): [door: string, module: string, first?: string] => {
  if (of.fallback) {
    return ['lambdaPlatform', 'platform', `new URL('./${basename(DOCUMENT)}', import.meta.url)`];
  }
  if (of.relay) return ['lambdaRelay', 'relay'];
  if (of.socket) return ['lambdaSocket', 'websocket', names];
  if (of.authorizer) return ['lambdaAuthorizer', 'authorizer'];
  if (of.bridge === 'eventbridge') return ['lambdaToEventBridge', 'to-eventbridge'];
  if (of.bridge === 'rabbitmq') return ['lambdaToRabbitmq', 'to-rabbitmq'];
  if (of.asks) return ['lambdaAsk', 'bulk-ask', names];
  if (of.bulk) return ['lambdaWork', 'bulk-work', `[${names}], { ${namesOf(of.judges)} }`];
  return of.queue ? ['lambdaQueue', 'queue', `[${names}]`] : ['lambda', 'lambda', names];
};

const entry = (of: LambdaFunction): GeneratedFile => {
  const choices = choicesOf(of);
  // the doors of the bridge and of the authorizer know their operation
  const operations = of.bridge || of.authorizer ? [] : (of.asks ? [of.asks] : of.operations).map(locate);
  const [door, module, first] = doorOf(of, operations.map(({ name }) => name).join(', '));
  const handles = of.queue && !of.bridge && !of.bulk;
  const usesSchema = choices.some(({ aws }) => aws.ofSchema !== undefined);
  const imports = importsOf([
    { file: `shared/doors/lambda/${module}.ts`, name: door },
    // pages and documents wait for no store
    ...(of.fallback ? [] : [{ file: 'shared/doors/lambda/container.ts', name: 'opened' }]),
    ...operations,
    ...(of.judges ?? []).map(locate),
    ...choices.flatMap(({ aws, local }) => (local ? [aws, local] : [aws])),
  ]);
  const config = [...new Set(choices.flatMap((choice) => (choice.local ? choice.when.split('.')[0]! : [])))].sort();
  return {
    path: `${FOLDER}/${of.name}.ts`,
    content: `${BANNER}${imports}
${usesSchema ? "import { schema } from './schema.ts';\n" : ''}${handles ? "import { types } from './types.ts';\n" : ''}
export const handler = ${of.fallback ? '' : 'await opened('}${door}(${first ? `${first}, ` : ''}(${config.length ? `{ ${config.join(', ')} }` : ''}) => [
${choices.map((choice) => `  ${expression(choice)},`).join('\n')}
]${handles ? ', { types }' : ''})${of.fallback ? '' : ')'};
`,
  };
};

/** All collections without the operations that use them, so that a bundle carries only its own operations. */
const schemaFile = (): GeneratedFile => {
  const located = schema.collections.map(locate);
  return {
    path: `${FOLDER}/schema.ts`,
    content: `${BANNER}import type { StoreSchema } from '../../shared/store/schema.ts';
${importsOf(located)}

export const schema: StoreSchema = {
  version: ${schema.version},
  collections: [
${located.map(({ name }) => `    ${name},`).join('\n')}
  ],
};
`,
  };
};

/** The types that the platform knows, without their schemas. */
const typesFile = (): GeneratedFile => ({
  path: `${FOLDER}/types.ts`,
  content: `${BANNER}export const types: readonly string[] = [
${[...topologyOf(everywhere).types]
  .sort()
  .map((type) => `  '${type}',`)
  .join('\n')}
];
`,
});

/** The documents as a function serves them, which reads them from files beside its bundle. */
const documentFiles = (): GeneratedFile[] => [
  { path: DOCUMENT, content: `${JSON.stringify(document())}\n` },
  { path: EVENT_DOCUMENT, content: `${JSON.stringify(eventDocument())}\n` },
];

export const entries: Generator = {
  owns: [FOLDER],
  generate: () => [
    schemaFile(),
    typesFile(),
    ...documentFiles(),
    ...[...lambdaFunctions, authorizerFunction, ...bridgeFunctions].map(entry),
  ],
};
