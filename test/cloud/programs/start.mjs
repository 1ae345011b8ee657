// A start of a function, step by step: its import, its init (ports are opened), its first answer. Tells of each step how much
// of the processor it took, in ms, and how many bytes of code V8 compiled: of what ran, and of nothing else.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { getHeapCodeStatistics } from 'node:v8';

const { AWS_LAMBDA_RUNTIME_API: api, AWS_LAMBDA_FUNCTION_NAME: name } = process.env;
const loaded = {};
registerHooks({
  load: (url, context, next) => {
    const result = next(url, context);
    if (url.startsWith('file:')) loaded[url] = result.source?.length ?? 0;
    return result;
  },
});
const seen = () => {
  const { user, system } = process.cpuUsage();
  return { cpu_ms: (user + system) / 1000, code: getHeapCodeStatistics().bytecode_and_metadata_size };
};
const steps = {};
const step = async (called, work) => {
  const before = seen();
  const result = await work();
  const after = seen();
  steps[called] = { cpu_ms: after.cpu_ms - before.cpu_ms, code: after.code - before.code };
  return result;
};

const CONTEXT = {
  awsRequestId: '00000000-0000-4000-8000-000000000001',
  functionName: name,
  functionVersion: '$LATEST',
  invokedFunctionArn: `arn:aws:lambda:eu-central-1:123456789012:function:${name}`,
  memoryLimitInMB: '512',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 30_000,
};

/** Gives the handler, and what it took to answer the event that stands in a file. */
export const measuredStart = async (file, event) => {
  const input = JSON.parse(readFileSync(event, 'utf8'));
  // where a handler sees a runtime it opens its ports with its import
  delete process.env.AWS_LAMBDA_RUNTIME_API;
  const { handler } = await step('import', () => import(file));
  process.env.AWS_LAMBDA_RUNTIME_API = api;
  await step('init', async () => handler.open?.());
  // one that throws has answered
  const answered = await step('answer', () => handler(input, CONTEXT).catch((thrown) => ({ thrown: String(thrown) })));
  const { statusCode: status, thrown } = answered ?? {};
  return { handler, said: { steps, cpu_ms: seen().cpu_ms, loaded, status, thrown } };
};
