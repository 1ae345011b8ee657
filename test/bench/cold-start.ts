/** What a start of the busiest function costs as Lambda pays it, beside a handler that does nothing. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { schema } from '../../functions/index.ts';
import { serverlessPackage } from '../../infra/package.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { openHost } from '../../shared/process/host.ts';
import { type Answer, startFunction } from '../cloud/runtime.ts';
import { readTemplate } from '../cloud/template.ts';
import { unpackAll } from '../cloud/unpack.ts';
import { httpEvent } from '../doors/lambda/support.ts';
import { startDynamo } from '../engines/dynamodb.ts';
import { startKms } from '../engines/kms.ts';
import { startSecretsManager } from '../engines/secrets-manager.ts';
import { awsEnvironment } from '../support/aws.ts';
import { TEST_SECRET } from '../support/platform.ts';
import { type Bench, ms } from './bench.ts';
import { withFolder } from './platform.ts';

const NAME = 'auth-validate-token';
const STARTS = 7;
/** CPU ms of init and first answer, less what the empty handler takes. */
const BOUND = 200;

/** Of several starts the least: others on the machine only add. */
const starts = async (file: string, env: Record<string, string>, event: unknown, check: (result: any) => boolean) => {
  const all: Answer[] = [];
  for (let n = 0; n < STARTS; n++) {
    const running = await startFunction(file, env);
    try {
      const answer = await running.invoke(event);
      if (!check(answer.result))
        throw new Error(`${file} answered ${JSON.stringify(answer.result)}: ${running.said()}`);
      all.push(answer);
    } finally {
      await running.close();
    }
  }
  const init = Math.min(...all.map(({ init_ms }) => init_ms));
  const first = Math.min(...all.map(({ init_ms, used_ms }) => used_ms - init_ms));
  return { init, first, rss: Math.min(...all.map(({ rss_mb }) => rss_mb)) };
};

export const bench: Bench = {
  name: 'cold-start',
  run: () =>
    withFolder(async (folder) => {
      await serverlessPackage();
      const { file, bytes } = unpackAll(folder, new Set([NAME])).get(NAME)!;
      const { functions, ref } = readTemplate(() => 'http://127.0.0.1/queue');
      const [dynamo, kms, vault] = await Promise.all([startDynamo(), startKms(), startSecretsManager()]);
      try {
        kms.add(ref('SigningKey'), 'RSA_2048');
        vault.secrets[ref('PlatformSecret')] = TEST_SECRET;
        const { environment } = functions.find(({ key }) => key === NAME)!;
        const endpoints = { DYNAMODB: dynamo.endpoint, KMS: kms.endpoint, SECRETS_MANAGER: vault.endpoint };
        const aws = awsEnvironment(endpoints);
        Object.assign(process.env, aws);
        const stack = { STORE_URL: environment.STORE_URL, PERFECT21_SECRET: TEST_SECRET, PERFECT21_DATA_DIR: folder };
        await (await openHost(loadConfig({ ...stack, LOG_LEVEL: 'silent' }), schema)).close();
        const env = { ...environment, ...aws, AWS_LAMBDA_FUNCTION_NAME: NAME, LOG_LEVEL: 'error' };
        const body = JSON.stringify({ token: 'e30.e30.e30' });
        const event = httpEvent({ path: '/api/v1/auth/validate', body });
        const ours = await starts(file, env, event, ({ statusCode }) => statusCode === 200);
        const empty = join(folder, 'empty.mjs');
        writeFileSync(empty, 'export const handler = async () => ({ statusCode: 200, body: "{}" });\n');
        const bare = await starts(empty, {}, event, ({ statusCode }) => statusCode === 200);
        const both = ours.init + ours.first;
        return [
          {
            what: `start of ${NAME}: init and first answer, CPU (zip of ${Math.round(bytes / 1000)} kB unpacked, ${ours.rss} MB)`,
            measured: `${ms(ours.init)} + ${ms(ours.first)}`,
            baseline: `${ms(bare.init)} + ${ms(bare.first)} (${bare.rss} MB)`,
            bound: `< ${BOUND} ms`,
            ok: both < BOUND,
          },
        ];
      } finally {
        await Promise.all([dynamo.close(), kms.close(), vault.close()]);
      }
    }),
};
