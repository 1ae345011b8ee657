import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../infra/generate/files.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const run = promisify(execFile);

const JAVASCRIPT = `
import { AppError, connectFromEnvironment } from 'perfect21/grpc';
import { ServiceClient } from 'perfect21/rest';

const perfect21 = await connectFromEnvironment();
const verdict = await perfect21.auth.validateToken({ token: 'a.b.c' });
const missing = await perfect21.users.getUser({ user_id: 'nobody' }).catch((error) => error);
perfect21.close();
const rest = new ServiceClient({ services: { 'auth-service': [process.env.REST] } });
const { body } = await rest.request('auth-service', 'POST', '/api/v1/auth/validate', { body: { token: 'a.b.c' } });
rest.close();
console.log(JSON.stringify([verdict.valid, verdict.error_message, missing instanceof AppError, missing.code, body.error_message]));
`;
const COMMONJS = `const { connect } = require('perfect21/grpc'); console.log(typeof connect);`;
const TYPESCRIPT = `
import { type CallOptions, connect, type Perfect21 } from 'perfect21/grpc';

const perfect21: Perfect21 = connect({ discovery: { 'auth-service': ['localhost:50051'] } });
const options: CallOptions = { timeout_ms: 500 };
const { valid, user_id } = await perfect21.auth.validateToken({ token: 'a' }, options);
const known: boolean | undefined = valid;
const who: string | undefined = user_id;
console.log(known, who);
// @ts-expect-error there is no such field
await perfect21.auth.validateToken({ tokn: 'a' });
// @ts-expect-error there is no such method
await perfect21.auth.frobnicate({});
`;

describe('perfect21/grpc and perfect21/rest in a project of somebody else', () => {
  const project = mkdtempSync(join(tmpdir(), 'perfect21-consumer-'));
  let platform: TestPlatform;

  beforeAll(async () => {
    const built = run(process.execPath, ['infra/clients/build.ts'], { cwd: ROOT });
    [platform] = await Promise.all([testPlatform(), built]);
    const modules = join(project, 'node_modules');
    // as npm would put it there: Node takes no types out of what lies in node_modules
    mkdirSync(join(modules, 'perfect21/dist'), { recursive: true });
    cpSync(join(ROOT, 'dist/clients'), join(modules, 'perfect21/dist/clients'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(modules, 'perfect21/package.json'));
    for (const name of readdirSync(join(ROOT, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
    writeFileSync(join(project, 'consumer.mjs'), JAVASCRIPT);
    writeFileSync(join(project, 'consumer.cjs'), COMMONJS);
    writeFileSync(join(project, 'consumer.ts'), TYPESCRIPT);
    const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2024', types: ['node'] };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  }, 60_000);
  afterAll(async () => {
    await platform?.close();
    rmSync(project, { recursive: true, force: true });
  });

  test('run from JavaScript as they come, configured by the environment', async () => {
    const env = {
      DISCOVERY_URL: `static:auth=127.0.0.1:${platform.grpc.port},users=127.0.0.1:${platform.grpc.port}`,
      PERFECT21_SERVICE_TOKEN: platform.credentials.service_token,
      REST: platform.http.url,
    };
    const { stdout } = await run(process.execPath, ['consumer.mjs'], { cwd: project, env });
    expect(JSON.parse(stdout)).toEqual([false, 'malformed', true, 'not_found', 'malformed']);
  });

  test('are had by require as well', async () => {
    const { stdout } = await run(process.execPath, ['consumer.cjs'], { cwd: project });
    expect(stdout).toBe('function\n');
  });

  test('are typed: a field or a method that there is not does not compile', async () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: project }).catch((failed) => failed);
    expect(stdout).toBe('');
  }, 60_000);
});
