/** `npm run generate` writes all that follows from the table of operations; `--check` only says what is stale. */

import { asyncapi } from './asyncapi.ts';
import { authorizer } from './authorizer.ts';
import { bridge } from './bridge.ts';
import * as commonPasswords from './common-passwords.ts';
import { consul } from './consul.ts';
import { containers } from './containers.ts';
import { cost } from './cost.ts';
import { degradationPage } from './degradation.ts';
import { entries } from './entries.ts';
import { eventBaseline } from './event-baseline.ts';
import type { Generator } from './files.ts';
import { staleFiles, writeFiles } from './files.ts';
import { functions } from './functions.ts';
import { istio } from './istio.ts';
import { kong } from './kong.ts';
import { kubernetes } from './kubernetes.ts';
import { logs } from './logs.ts';
import { observability } from './observability.ts';
import { openapi } from './openapi.ts';
import { operations } from './operations.ts';
import { processes } from './processes.ts';
import * as proto from './proto.ts';
import { rabbitmq } from './rabbitmq.ts';
import { resources } from './resources.ts';
import { serviceConfig } from './service-config.ts';
import { serviceNamesFile } from './service-names.ts';
import { statuses } from './statuses.ts';

const GENERATORS: readonly Generator[] = [
  entries,
  functions,
  resources,
  serviceNamesFile,
  authorizer,
  processes,
  bridge,
  openapi,
  asyncapi,
  eventBaseline,
  operations,
  degradationPage,
  statuses,
  observability,
  kubernetes,
  logs,
  istio,
  kong,
  consul,
  rabbitmq,
  containers,
  proto,
  serviceConfig,
  commonPasswords,
  cost,
];

/** All generated files, as they should be. */
export const generateAll = async () => (await Promise.all(GENERATORS.map((each) => each.generate()))).flat();
export const OWNED: readonly string[] = GENERATORS.flatMap(({ owns = [] }) => owns);

if (import.meta.main) {
  const files = await generateAll();
  if (process.argv.includes('--check')) {
    const stale = staleFiles(files, OWNED);
    for (const path of stale) console.error(`${path} is stale: run "npm run generate"`);
    process.exitCode = stale.length ? 1 : 0;
  } else {
    for (const path of writeFiles(files, OWNED)) console.log(path);
  }
}
