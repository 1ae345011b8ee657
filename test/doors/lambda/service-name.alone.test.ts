import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { lambdaContext } from './support.ts';

// Powertools writes to the console of the process only where it is told that a developer looks
beforeAll(() => void vi.stubEnv('POWERTOOLS_DEV', 'true'));
afterAll(() => void vi.unstubAllEnvs());

test('the log of a function names the service as events, metrics and traces do', async () => {
  const said = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const { stack } = await import('../../../shared/doors/lambda/lambda.ts');
  const { log } = await import('../../../shared/doors/lambda/observe.ts');
  const services = [];
  for (const service of ['auth-service', 'user-service']) {
    const handler = stack(service, async () => log.warn('init.failed', { cause: new Error('probe') }));
    await handler({} as never, lambdaContext());
    services.push(JSON.parse(String(said.mock.calls.at(-1)![0])).service);
  }
  expect(services).toEqual(['auth-service', 'user-service']);
});
