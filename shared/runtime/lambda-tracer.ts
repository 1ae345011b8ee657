/** X-Ray through Powertools. A file of its own beside each bundle, loaded only where tracing is on (see lambda.ts). */
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';

/** The tracer's middleware for a service. Answers stay out of the traces: they carry tokens. */
export const tracing = (service: string) =>
  captureLambdaHandler(new Tracer({ serviceName: service, captureHTTPsRequests: true }), { captureResponse: false });
