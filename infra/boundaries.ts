/** Who may import what. The rules that keep operations free of engines and doors, and each library behind one place. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT } from './generate/files.ts';

export interface Import {
  /** Who imports, from the top of the project. */
  from: string;
  /** What: a path from the top of the project, or a package. */
  to: string;
  typeOnly: boolean;
}

const IMPORT =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)(\.\w)?/g;

/** The imports of a source text. `import('x')` counts, as a type does not: it says `typeof import('x')`. */
export const importsOf = (from: string, text: string): Import[] =>
  [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[3] ?? match[4]!;
    const typeOnly = match[2] !== undefined || text.slice(match.index - 8, match.index).includes('typeof ');
    const to = specifier.startsWith('.') ? relative('/', join('/', dirname(from), specifier)) : specifier;
    return { from, to, typeOnly };
  });

/** Packages of which one place knows, and which that is. */
const HOME: readonly (readonly [packages: RegExp, place: RegExp])[] = [
  [/^(@middy\/|@aws-lambda-powertools\/)/, /^shared\/runtime\/lambda[^/]*\.ts$/],
  [/^fastify$/, /^shared\/runtime\/http[^/]*\.ts$/],
  [/^@grpc\//, /^shared\/(grpc\/|runtime\/grpc\.ts$)/],
  [/^pg$/, /^shared\/store\/postgres\//],
  [/^amqplib$/, /^shared\/messaging\/rabbitmq\//],
  [/^@aws-sdk\/(client|lib)-dynamodb$/, /^shared\/store\/dynamodb\//],
  [/^@aws-sdk\/client-kms$/, /^shared\/keys\/kms-keys\.ts$/],
  [/^@aws-sdk\/client-sesv2$/, /^shared\/delivery\/email\/ses-mailer\.ts$/],
  [/^@aws-sdk\/client-sns$/, /^shared\/delivery\/sns\.ts$/],
  [/^@aws-sdk\/client-(eventbridge|sqs|scheduler)$/, /^shared\/messaging\/eventbridge\//],
  [/^@aws-sdk\/client-servicediscovery$/, /^shared\/discovery\/cloudmap\.ts$/],
  [/^@node-rs\/argon2$/, /^shared\/passwords\/argon2-thread\.ts$/],
  [/^nodemailer$/, /^shared\/delivery\/email\/smtp-mailer\.ts$/],
  [/^@opentelemetry\//, /^shared\/tracing\/otlp[^/]*\.ts$/],
  [/^(pino|prom-client)$/, /^shared\/(system|runtime\/metrics-server)/],
];

/** What operations may know: the kit, ports, events, records, and what is pure. */
const KIT =
  /^(functions\/|shared\/(operation|errors|context|permissions|retry-conflict)\.ts$|shared\/ports\/|shared\/messaging\/(backoff|event|envelope|inbox)\.ts$|shared\/keys\/[a-z-]+-records\.ts$|shared\/passwords\/password-policy\.ts$|shared\/delivery\/templates\/|shared\/store\/schema\.ts$|zod$|node:(crypto|url)$)/;

const isOperationSide = (file: string): boolean =>
  file.startsWith('functions/') && !file.startsWith('functions/lambda/');

/** Why an import is not allowed; undefined when it is. */
export const offence = ({ from, to, typeOnly }: Import): string | undefined => {
  if (isOperationSide(from) && (!KIT.test(to) || to.startsWith('functions/lambda/'))) {
    return `${from} imports ${to}: operations know the kit and ports only`;
  }
  const home = HOME.find(([packages]) => packages.test(to));
  if (home && !typeOnly && !from.startsWith('test/') && !home[1].test(from))
    return `${from} imports ${to}: that has one place`;
  if (
    /^shared\/store\/\w+\/adapter\.ts$/.test(to) &&
    !/^(shared\/platform\.ts|functions\/lambda\/|test\/)/.test(from)
  ) {
    return `${from} imports ${to}: adapters are chosen in shared/platform.ts`;
  }
  if (from.startsWith('shared/') && /^(infra|test)\//.test(to)) return `${from} imports ${to}: that way round`;
  return undefined;
};

const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

/** All offences of the project. */
export const offences = (): string[] =>
  ['functions', 'shared', 'infra']
    .flatMap(sources)
    .flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), 'utf8')))
    .flatMap((each) => offence(each) ?? []);
