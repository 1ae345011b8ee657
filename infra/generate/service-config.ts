/** proto/perfect21.json: what gRPC clients of other languages are told of deadlines, turns and tries (docs/clients.md). */
import { TRIES } from '../../shared/calls/attempts.ts';
import { SAFE } from '../../shared/calls/clients/methods.ts';
import { BATCH_DEADLINE_MS, DEADLINE_MS } from '../../shared/grpc/limits.ts';
import type { Generator } from './files.ts';

const seconds = (ms: number): string => `${ms / 1_000}s`;
const split = (path: string) => {
  const [service = '', method = ''] = path.split('/');
  return { service, method };
};

const retryPolicy = {
  maxAttempts: TRIES,
  initialBackoff: '0.1s',
  maxBackoff: '1s',
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};

const paths = [...SAFE];
const isBatch = (path: string): boolean => path.includes('/Batch');
/** Those of streams are not among them: no deadline would hold for all streams. */
const services = [...new Set(paths.map((path) => split(path).service))];

/** https://github.com/grpc/grpc/blob/master/doc/service_config.md: the most particular name counts. */
export const serviceConfigOf = () => ({
  loadBalancingConfig: [{ round_robin: {} }],
  healthCheckConfig: { serviceName: '' },
  methodConfig: [
    { name: services.map((service) => ({ service })), timeout: seconds(DEADLINE_MS) },
    { name: paths.filter((path) => !isBatch(path)).map(split), timeout: seconds(DEADLINE_MS), retryPolicy },
    { name: paths.filter(isBatch).map(split), timeout: seconds(BATCH_DEADLINE_MS), retryPolicy },
  ],
  retryThrottling: { maxTokens: 20, tokenRatio: 0.1 },
});

export const serviceConfig: Generator = {
  generate: () => [{ path: 'proto/perfect21.json', content: `${JSON.stringify(serviceConfigOf(), null, 2)}\n` }],
};
