/** X-Ray through Powertools. A file of its own beside each bundle, loaded only where tracing is on (see lambda.ts). */
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';

let tracer: Tracer | undefined;

/** The tracer's middleware for a service. Answers stay out of the traces: they carry tokens. */
export const tracing = (service: string) => {
  tracer = new Tracer({ serviceName: service, captureHTTPsRequests: true });
  return captureLambdaHandler(tracer, { captureResponse: false });
};

/** Runs work as a subsegment, under which its calls stand; several at once are each their own. */
export const subsegment = async <T>(
  name: string,
  annotations: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> => {
  if (!tracer?.isTracingEnabled()) return work();
  return tracer.provider.captureAsyncFunc(name, async (segment) => {
    for (const [key, value] of Object.entries(annotations)) segment?.addAnnotation(key, value);
    try {
      const result = await work();
      segment?.close();
      return result;
    } catch (thrown) {
      segment?.close(thrown as Error);
      throw thrown;
    }
  }) as Promise<T>;
};
