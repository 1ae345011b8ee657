/** What bundles leave out, because nothing in a function calls it. What is called all the same says so by an error. */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

const throwing = (name: string, why: string): string =>
  `() => { throw new Error(${JSON.stringify(`${name}: ${why}`)}); }`;

const absent = (names: readonly string[], why = 'not bundled'): string =>
  names.map((name) => `export const ${name} = ${throwing(name, why)};`).join('\n');

/** Shorter, where every function would carry the words: who calls it all the same gets a TypeError. */
const gone = (names: readonly string[]): string => names.map((name) => `export const ${name} = undefined;`).join('\n');

export interface Replacement {
  filter: RegExp;
  /** In place of the file's own. */
  contents: string | ((text: string) => string);
}

/** Replaces what is there. @throws Error when the text has changed, as with another release of a package */
const swap = (text: string, found: string | RegExp, by: string): string => {
  const swapped = text.replace(found, () => by);
  if (swapped === text) throw new Error(`infra/aws/leave-out.ts: ${found} is not there any more`);
  return swapped;
};

/** Functions make no documents: zod's way to JSON Schema is 18 kB. */
const NO_JSON_SCHEMA: Replacement[] = [
  {
    filter: /\/zod\/v4\/core\/to-json-schema\.js$/,
    contents: absent(['createToJSONSchemaMethod', 'createStandardJSONSchemaMethod']),
  },
  { filter: /\/zod\/v4\/core\/json-schema-processors\.js$/, contents: absent(['toJSONSchema', 'aggregateChecks']) },
  { filter: /\/zod\/v4\/core\/json-schema-generator\.js$/, contents: absent(['JSONSchemaGenerator']) },
];

/**
 * The formats as methods of strings, `z.string().email()`, which zod keeps for old programs: each string would carry all
 * formats. `z.email()` brings what it needs.
 */
const withoutFormatMethods = (text: string): string => {
  const table = /(?<=export const ZodString = [^{]+\{[^}]+\}, )\{\n(?: {4}\w+\(params\) \{\n.+\n {4}\},\n)+\}/;
  const names = [...(table.exec(text)?.[0] ?? '').matchAll(/^ {4}(\w+)\(/gm)].map(([, name]) => name!);
  return swap(text, table, `{ ${names.map((name) => `${name}: () => formatMethod('${name}')`).join(', ')} }`).concat(`
const formatMethod = (name) => { throw new Error('the method ' + name + ' of a schema is not bundled: see infra/aws/leave-out.ts'); };`);
};

/** Methods of every schema that nobody here calls, each of which brings a kind of schema along. */
const UNUSED_METHODS = ['exactOptional', 'nonoptional', 'and', 'prefault', 'catch', 'readonly'];
const withoutUnusedMethods = (text: string): string =>
  UNUSED_METHODS.reduce(
    (rest, name) =>
      swap(
        rest,
        new RegExp(`(?<=\\n {4}${name}\\()\\w*\\) \\{\\n {8}return [^\\n]+\\n {4}\\}`),
        `) { return formatMethod('${name}'); }`,
      ),
    text,
  );

const UTIL = 'import * as util from "../core/util.js";';

/** Parts of zod of which a bundler can't see that nobody uses them. */
const NO_UNUSED_ZOD: Replacement[] = [
  // sixty languages that would be read for each function and stand in none
  { filter: /\/zod\/v4\/locales\/index\.js$/, contents: "export { default as en } from './en.js';" },
  {
    filter: /\/zod\/v4\/classic\/schemas\.js$/,
    // a namespace that is reached through another one is bundled whole
    contents: (text) =>
      [
        ['import { util } from "../core/index.js";', UTIL] as const,
        [/\bcore\.util\./g, 'util.'] as const,
        // compiling a schema pays for itself after more parses than most containers live to see
        ['core.$ZodObjectJIT.init', 'core.$ZodObject.init'] as const,
      ].reduce((rest, [found, by]) => swap(rest, found, by), withoutUnusedMethods(withoutFormatMethods(text))),
  },
  // for values with cycles, which come neither as JSON nor out of the store; zod/mini is without it, too
  {
    filter: /\/zod\/v4\/core\/memoizer\.js$/,
    contents: `export const memoizer = () => undefined;\n${absent(['$ZodCyclicError', 'isBackEdge', 'isRecursiveSchema'])}`,
  },
  // the environment's numbers are all that is coerced
  {
    filter: /\/zod\/v4\/classic\/coerce\.js$/,
    contents: (text) =>
      ['string', 'boolean', 'bigint', 'date'].reduce(
        (rest, name) => swap(rest, new RegExp(`export function ${name}\\(params\\) \\{[^}]*\\}`), absent([name])),
        text,
      ),
  },
];

/** What aws4 knows of services that are asked otherwise than by a POST to their root; some sign queries (S3), or paths (API Gateway). */
const plainRequests = ({ queries, paths }: { queries: boolean; paths: boolean }): Replacement => ({
  filter: /\/aws4\/aws4\.js$/,
  contents: (text) => {
    const method = (rest: string, name: string, by: string): string =>
      swap(rest, new RegExp(`(?<=RequestSigner\\.prototype\\.${name} = )function\\([\\s\\S]*?\\n\\}`), by);
    const none = (rest: string, name: string): string => method(rest, name, throwing(`aws4's ${name}`, 'not bundled'));
    const unasked = queries ? text : swap(text, /\n {2}if \(query\) \{[\s\S]*?\n {2}\}\n/, '\n');
    const rooted = paths ? unasked : swap(unasked, /\n {2}if \(pathStr !== '\/'\) \{[\s\S]*?\n {2}\}\n/, '\n');
    return ['isSingleRegion', 'createHost', 'defaultCredentials'].reduce(none, method(rooted, 'matchHost', '() => []'));
  },
});

/** The functions that speak to S3. */
const STORERS = /\/\w+-(bulk|export-users|import-users)\.ts$/;

/** The functions that speak to connections. */
const POSTERS = /\/notifications-(hear-connection|on-connections)\.ts$/;

/** What an entry takes where it does not run in AWS, or what its role has no right to do there. */
const NOTHING_LOCAL: Replacement[] = [
  { filter: /\/shared\/store\/sqlite\/adapter\.ts$/, contents: absent(['sqliteStore'], 'not in AWS') },
  {
    filter: /\/shared\/keys\/file-keys\.ts$/,
    contents:
      "export const fileKeys = { port: 'keys', needs: [] };\nexport const fileSigner = { port: 'signer', needs: [] };",
  },
  // functions call each other in process, and X-Ray sees what they do
  {
    filter: /\/shared\/config\/discovery\.ts$/,
    contents: "export const discoveryOf = () => ({ registry: 'static', addresses: {} });",
  },
  // a function is given no files
  { filter: /\/shared\/config\/files\.ts$/, contents: 'export const requireFile = () => {};' },
  // a function is one operation, whose requests and events are measured
  {
    filter: /\/shared\/kit\/operation-metrics\.ts$/,
    contents: 'export const observeOperation = () => {};export const observeFirstRow = observeOperation;',
  },
  // one request at a time, and few by one container: no answer is worth keeping
  {
    filter: /\/shared\/kit\/lasting\.ts$/,
    contents:
      'export const lasting = (output) => output;export const checkedOnce = (output, _, check) => check(output);export const jsonOf = JSON.stringify;',
  },
  { filter: /\/shared\/config\/registration\.ts$/, contents: 'export const registrationOf = () => undefined;' },
  { filter: /\/shared\/config\/store-postgres\.ts$/, contents: gone(['postgresOf']) },
  { filter: /\/shared\/config\/tls\.ts$/, contents: 'export const tlsOf = () => undefined;' },
  { filter: /\/shared\/config\/tracing\.ts$/, contents: 'export const tracingOf = () => undefined;' },
  {
    filter: /\/shared\/delivery\/email\/smtp-mailer\.ts$/,
    contents: "export const smtpMailer = { port: 'mailer', needs: [] };",
  },
  {
    filter: /\/shared\/keys\/private-file\.ts$/,
    contents: absent(['readPrivateFile', 'createPrivateFile'], 'not in AWS'),
  },
  // the stack makes the tables, and who migrates them has rights that functions lack
  { filter: /\/shared\/store\/dynamodb\/reshape\.ts$/, contents: absent(['reshape'], 'not in a function') },
  { filter: /\/shared\/store\/dynamodb\/make-tables\.ts$/, contents: absent(['ensureTables'], 'not in a function') },
];

/** X-Ray's ways for an SDK and a Node that are long gone, each of which asks by `semver` whether it is needed. */
const NO_OLD_TRACER: Replacement[] = [
  { filter: /\/cls-hooked\/index\.js$/, contents: "module.exports = require('./context');" },
  { filter: /\/aws-xray-sdk-core\/dist\/lib\/patchers\/aws_p\.js$/, contents: 'module.exports = {};' },
];

/** What the environment says of registries, sidecars, collectors and files of certificates, to processes. */
const OF_PROCESSES =
  /^ {2}(?:DISCOVERY|CONSUL|KUBERNETES|OTEL|SIDECAR|PERFECT21_TLS|PERFECT21_SIDECAR)_\w+: z(?:\..+,\n|\n(?: {4}.+\n)+)/gm;
const NO_PROCESS: Replacement[] = [
  { filter: /\/shared\/config\/environment\.ts$/, contents: (text) => swap(text, OF_PROCESSES, '') },
];

/** What rights an adapter wants is for who writes roles. */
const NO_RIGHTS: Replacement[] = [
  {
    filter: /\/shared\/(keys|delivery)\/(?:\w+\/)?[\w-]+\.ts$/,
    contents: (text) => text.replace(/^ {2}iam: .+,$/gm, ''),
  },
];

/** A function asks nobody what its caller may now: it asks for a refresh (infra/decisions/0061-what-a-caller-may-now.md). */
const NO_STANDING: Replacement[] = [
  { filter: /\/shared\/kit\/standing\.ts$/, contents: 'export const withStanding = (_, __, context) => context;' },
];

/** API Gateway carries no streams: rows are worked on by the functions behind the bucket alone. */
const NO_ROWS: Replacement[] = [{ filter: /\/shared\/kit\/invoke-rows\.ts$/, contents: gone(['produce', 'receive']) }];

/** What is taken as a form, as OAuth asks for: at these endpoints alone. */
const FORMS = /\/auth-(grant-token|introspect|revoke)\.ts$/;
const NO_FORMS: Replacement[] = [
  { filter: /\/shared\/doors\/binding\/form\.ts$/, contents: gone(['formFieldsOf', 'parseForm']) },
];

/** Reads that the audit log tells of: the functions of such operations alone have what notes them. */
const READERS = /\/users-(bulk|get-login-history)\.ts$/;
const NO_READS: Replacement[] = [{ filter: /\/shared\/kit\/audit-read\.ts$/, contents: gone(['noteRead']) }];

/** The functions that take messages out of the store. The others put them in, with what they change. */
const TAKERS = /\/(events-relay|platform-routes|bridge-to-\w+)\.ts$/;
/** Operations ask who has a claim. */
const ASKED_ONLY =
  'export const messages = (_, owners) => ({ owner: async () => owners.name, isGone: async (name) => owners.isGone(name) });';
const NO_TAKING: Replacement[] = [{ filter: /\/shared\/store\/dynamodb\/messages\.ts$/, contents: ASKED_ONLY }];

/** What is replaced in the bundle of an entry, for AWS or for this machine. */
export const replacementsFor = (target: 'aws' | 'local', entry: string): readonly Replacement[] => [
  ...NO_JSON_SCHEMA,
  ...NO_UNUSED_ZOD,
  plainRequests({
    // on this machine one build makes all functions
    queries: target === 'local' || STORERS.test(entry),
    paths: target === 'local' || POSTERS.test(entry),
  }),
  ...(target === 'aws' ? [...NOTHING_LOCAL, ...NO_OLD_TRACER, ...NO_STANDING, ...NO_PROCESS, ...NO_RIGHTS] : []),
  ...(target === 'aws' && !READERS.test(entry) ? NO_READS : []),
  ...(target === 'aws' && !FORMS.test(entry) ? NO_FORMS : []),
  ...(target === 'aws' && !STORERS.test(entry) ? NO_ROWS : []),
  ...(target === 'aws' && !TAKERS.test(entry) ? NO_TAKING : []),
];

/** The plugin, for AWS or for this machine. */
export const leaveOut = (target: 'aws' | 'local'): Plugin => ({
  name: 'leave-out',
  setup({ onLoad, initialOptions: { entryPoints } }) {
    for (const { filter, contents } of replacementsFor(target, String(entryPoints))) {
      onLoad({ filter }, async ({ path }) => ({
        contents: typeof contents === 'string' ? contents : contents(await readFile(path, 'utf8')),
        loader: path.endsWith('.ts') ? 'ts' : 'js',
      }));
    }
  },
});
