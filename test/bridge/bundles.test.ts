/** What the bridge adds to a deployment, and that it adds nothing where it is not asked for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { faultsOf, MAX_BUNDLE } from '../../infra/aws/bundles.ts';
import { pluginsFor } from '../../infra/aws/esbuild.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { BRIDGE_LIMITS } from '../../shared/messaging/bridge/carrying.ts';
import { routingOf } from '../../shared/messaging/eventbridge/routing.ts';
import { rulesIn } from '../engines/eventbridge.ts';
import { temporaryFolder } from '../messaging/rig.ts';
import { matchesPattern } from '../support/eventbridge-matcher.ts';

const { off, on } = parse(readFileSync(join(ROOT, 'infra/generated/bridge.yml'), 'utf8'));
const { Resources } = on.resources;

const bundle = async (name: string) => {
  const { path, remove } = await temporaryFolder();
  try {
    const external = ['@aws-sdk/*', 'pg', 'pg-native', 'amqplib', '@node-rs/argon2'];
    const entryPoints = [join(ROOT, `functions/lambda/${name}.ts`)];
    const options = { bundle: true, minify: true, platform: 'node', target: 'node24', format: 'esm' } as const;
    const outExtension = { '.js': '.mjs' };
    const plugins = pluginsFor('aws');
    await build({ ...options, external, entryPoints, outdir: path, outExtension, plugins });
    const text = readFileSync(join(path, `${name}.mjs`), 'utf8');
    return { size: Buffer.byteLength(text), text, files: readdirSync(path) };
  } finally {
    await remove();
  }
};

describe('the bridge in a deployment', () => {
  test('is not there unless it is asked for', () => {
    expect(off).toEqual({ functions: {}, resources: { Resources: {} } });
    const { custom, functions, resources } = parse(readFileSync(join(ROOT, 'serverless.yml'), 'utf8'));
    expect(custom.bridge.state).toMatch(/^\$\{env:PERFECT21_BRIDGE, 'off'\}$/);
    for (const part of [functions, resources])
      expect(part[1]).toMatch(/bridge\.yml\):\$\{self:custom\.bridge\.state\}\./);
  });

  test('gets all events of the bus, urgent or not, and what came over it, too', () => {
    const [{ pattern, target }, ...others] = rulesIn(Resources) as [any];
    expect([target, others]).toEqual(['BridgeToRabbitmqQueue', []]);
    for (const priority of [undefined, 0, 9]) {
      const detail = { routing: { ...routingOf('a.b'), priority }, metadata: { hops: 1 } };
      expect(matchesPattern(pattern, { detail })).toBe(true);
    }
  });

  test('keeps what it could not carry longer than it may wait: fourteen days, a thousand tries, dead letters', () => {
    const { MessageRetentionPeriod, RedrivePolicy } = Resources.BridgeToRabbitmqQueue.Properties;
    expect([MessageRetentionPeriod, RedrivePolicy.maxReceiveCount]).toEqual([14 * 86_400, 1000]);
    expect(MessageRetentionPeriod * 1000).toBeGreaterThan(BRIDGE_LIMITS.message_ttl);
    expect(RedrivePolicy.deadLetterTargetArn).toEqual({ 'Fn::GetAtt': ['BridgeToRabbitmqQueueDead', 'Arn'] });
  });

  test('asks for the broker by a secret that stands in no template', () => {
    const { BUS_URL } = on.functions['bridge-to-rabbitmq'].environment;
    expect(JSON.stringify(BUS_URL)).toMatch(/"amqps:\/\/","\{\{resolve:secretsmanager:.*:SecretString:username\}\}"/);
    const [{ rabbitmq }] = on.functions['bridge-to-eventbridge'].events;
    expect(rabbitmq).toMatchObject({ queue: 'bridge.to_eventbridge', virtualHost: '/', batchSize: 100 });
  });

  test('has amqplib beside one function only, and bundles below the limit', async () => {
    const back = await bundle('bridge-to-rabbitmq');
    expect(back.size).toBeLessThan(MAX_BUNDLE);
    expect(back.files).toContain('bridge-to-rabbitmq.amqp.mjs');
    expect(back.text).toContain('"./bridge-to-rabbitmq.amqp.mjs"');
    const there = await bundle('bridge-to-eventbridge');
    expect(there.size).toBeLessThan(MAX_BUNDLE);
    expect(there.files.filter((name) => name.includes('amqp'))).toEqual([]);
    expect(there.text).not.toContain('amqplib');
  }, 60_000);

  test('is a fault anywhere else', () => {
    const file = { name: 'functions/lambda/bridge-to-rabbitmq.amqp.mjs', content: Buffer.from('product:"amqplib"') };
    const of = (name: string) => faultsOf({ name, size: 1, budget: 2, files: [file] });
    expect(of('bridge-to-rabbitmq')).toEqual([]);
    expect(of('auth-login')).toEqual(['auth-login carries amqplib']);
  });
});
