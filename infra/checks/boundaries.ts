/** Who may import what. The rules that keep operations free of engines and doors, and each library behind one place. */
import { type Import, importsOfProject } from './imports.ts';

/** Packages of which one place knows, and which that is. */
const HOME: readonly (readonly [packages: RegExp, place: RegExp])[] = [
  [/^(@middy\/|@aws-lambda-powertools\/)/, /^shared\/doors\/lambda\//],
  [/^find-my-way$/, /^shared\/doors\/http\//],
  [/^@grpc\//, /^shared\/(grpc|calls|doors\/grpc)\//],
  [/^pg$/, /^shared\/store\/postgres\//],
  [/^ws$/, /^shared\/doors\/websocket\//],
  [/^amqplib$/, /^shared\/messaging\/rabbitmq\//],
  [/^aws4$/, /^shared\/aws\/(client|connections|objects)\.ts$/],
  [/^@aws-sdk\/client-dynamodb$/, /^shared\/aws\/settings\.ts$/],
  [/^@aws-sdk\/lib-dynamodb$/, /^shared\/store\/dynamodb\//],
  [/^@aws-sdk\/client-sesv2$/, /^shared\/delivery\/email\/ses-mailer\.ts$/],
  [/^@aws-sdk\/client-sns$/, /^shared\/delivery\/sns\.ts$/],
  [/^@aws-sdk\/client-(eventbridge|sqs|scheduler)$/, /^shared\/messaging\/eventbridge\//],
  [/^@aws-sdk\/client-servicediscovery$/, /^shared\/calls\/discovery\/cloudmap\.ts$/],
  [/^@marcbachmann\/cel-js$/, /^shared\/conditions\/cel\.heavy\.ts$/],
  [/^bcryptjs$/, /^shared\/passwords\/foreign-hash\.heavy\.ts$/],
  [/^@node-rs\/argon2$/, /^shared\/passwords\/argon2-thread\.ts$/],
  [/^nodemailer$/, /^shared\/delivery\/email\/smtp-mailer\.ts$/],
  [/^@opentelemetry\//, /^shared\/tracing\/otlp[^/]*\.ts$/],
  [/^(pino|prom-client)$/, /^shared\/(system|process\/metrics-server)/],
];

/** What operations may know: the kit, ports, events, records, and what is pure. */
const KIT =
  /^(functions\/|shared\/kit\/(operation|operation-span|stream|told-rows|service|binding|errors|context|permissions|promptly|retry-conflict|event|moment|parse|counter-key|hmac|lasting|last-ids|network|bound-records|exported|batches|audit-records|audit-chain|time-sort)\.ts$|shared\/ports\/|shared\/messaging\/(backoff|envelope|inbox)\.ts$|shared\/keys\/([a-z-]+-records|feed-events)\.ts$|shared\/passwords\/password-policy\.heavy\.ts$|shared\/delivery\/templates\/|shared\/store\/schema\.ts$|proto\/gen\/envoy\/|zod$|node:(crypto|url)$)/;

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
    !/^(shared\/process\/host\.ts|functions\/lambda\/|test\/)/.test(from)
  ) {
    return `${from} imports ${to}: adapters are chosen in shared/process/host.ts`;
  }
  if (from.startsWith('shared/') && /^(infra|test)\//.test(to)) return `${from} imports ${to}: that way round`;
  return undefined;
};

/** All offences of the project. */
export const offences = (): string[] => [...importsOfProject().values()].flat().flatMap((each) => offence(each) ?? []);
