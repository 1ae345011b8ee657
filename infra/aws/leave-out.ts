/** What bundles leave out, because nothing in a function calls it. What is called all the same says so by an error. */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

const throwing = (name: string, why: string): string =>
  `() => { throw new Error(${JSON.stringify(`${name}: ${why}`)}); }`;

const absent = (names: readonly string[], why = 'not bundled'): string =>
  names.map((name) => `export const ${name} = ${throwing(name, why)};`).join('\n');

interface Replacement {
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
const formatMethod = (name) => { throw new Error('z.string().' + name + '() is not bundled: use z.' + name + '()'); };`);
};

const UTIL = 'import * as util from "../core/util.js";';

/** Parts of zod of which a bundler can't see that nobody uses them. */
const NO_UNUSED_ZOD: Replacement[] = [
  {
    filter: /\/zod\/v4\/classic\/schemas\.js$/,
    // a namespace that is reached through another one is bundled whole
    contents: (text) =>
      swap(
        swap(withoutFormatMethods(text), 'import { util } from "../core/index.js";', UTIL),
        /\bcore\.util\./g,
        'util.',
      ),
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

/** What an entry takes where it does not run in AWS, or what its role has no right to do there. */
const NOTHING_LOCAL: Replacement[] = [
  { filter: /\/shared\/store\/sqlite\/adapter\.ts$/, contents: absent(['sqliteStore'], 'not in AWS') },
  {
    filter: /\/shared\/keys\/file-keys\.ts$/,
    contents:
      "export const fileKeys = { port: 'keys', needs: [] };\nexport const fileSigner = { port: 'signer', needs: [] };",
  },
  {
    filter: /\/shared\/delivery\/email\/smtp-mailer\.ts$/,
    contents: "export const smtpMailer = { port: 'mailer', needs: [] };",
  },
  {
    filter: /\/shared\/keys\/private-file\.ts$/,
    contents: absent(['readPrivateFile', 'createPrivateFile'], 'not in AWS'),
  },
  // the stack makes the tables, and who migrates them has rights that functions lack
  { filter: /\/shared\/store\/dynamodb\/migrate\.ts$/, contents: absent(['migrate'], 'not in a function') },
  { filter: /\/shared\/store\/dynamodb\/make-tables\.ts$/, contents: absent(['ensureTables'], 'not in a function') },
];

/** The plugin, for AWS or for this machine. */
export const leaveOut = (target: 'aws' | 'local'): Plugin => ({
  name: 'leave-out',
  setup({ onLoad }) {
    const replacements = [...NO_JSON_SCHEMA, ...NO_UNUSED_ZOD, ...(target === 'aws' ? NOTHING_LOCAL : [])];
    for (const { filter, contents } of replacements) {
      onLoad({ filter }, async ({ path }) => ({
        contents: typeof contents === 'string' ? contents : contents(await readFile(path, 'utf8')),
        loader: 'js',
      }));
    }
  },
});
