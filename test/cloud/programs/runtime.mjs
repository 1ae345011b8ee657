// The loop of Lambda's Node runtime: imports a handler, asks the Runtime API for events, and answers. Each answer says
// how much of the processor the process has used so far, in ms, and how much it had used when the handler was there.
// Where EVENT_FILE names the first event, the start is measured before anything else is loaded, and told.
const { AWS_LAMBDA_RUNTIME_API: api, HANDLER_FILE: file, EVENT_FILE: event } = process.env;
const measured = event && (await (await import('./start.mjs')).measuredStart(file, event));
const { default: http } = await import('node:http');
const [hostname, port] = api.split(':');
const used = () => {
  const { user, system } = process.cpuUsage();
  return ((user + system) / 1000).toFixed(1);
};
const agent = new http.Agent({ keepAlive: true });
const ask = (method, path, headers = {}, body = '') =>
  new Promise((resolve, reject) => {
    const request = http.request(
      { hostname, port, method, path: `/2018-06-01/runtime${path}`, headers, agent },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      },
    );
    request.on('error', reject).end(body);
  });

const { handler } = measured ?? (await import(file));
const init = used();
if (measured) await ask('POST', '/measured', {}, JSON.stringify(measured.said));
for (;;) {
  const { headers, body } = await ask('GET', '/invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const context = {
    awsRequestId: id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: '512',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const answer = JSON.stringify((await handler(JSON.parse(body), context)) ?? null);
    const rss = String(Math.round(process.memoryUsage.rss() / 1e6));
    await ask('POST', `/invocation/${id}/response`, { 'x-init': init, 'x-used': used(), 'x-rss': rss }, answer);
  } catch (thrown) {
    const { name, message } = thrown;
    await ask('POST', `/invocation/${id}/error`, {}, JSON.stringify({ errorType: name, errorMessage: message }));
  }
}
