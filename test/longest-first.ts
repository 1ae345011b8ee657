/** Begins with the files that take longest: one of five minutes that begins last would be waited for by all other workers. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** As `npm test` prints them. Whoever is not here takes less than 40 s on two cores. */
const LONGEST = [
  'test/cloud/gate.test.ts',
  'test/doors/lambda/offline.test.ts',
  'test/e2e/apart.test.ts',
  'test/mitigations/mitigations.test.ts',
  'test/e2e/dynamodb.test.ts',
  'test/e2e/sqlite.test.ts',
  'test/table/degradation.test.ts',
  'test/infra/images.test.ts',
  'test/contract/bus.rabbitmq.test.ts',
  'test/platform/signals.test.ts',
  'test/operator/eventbridge.test.ts',
  'test/e2e/postgres.test.ts',
  'test/platform/start.test.ts',
  'test/bridge/process.test.ts',
  'test/operator/rabbitmq.test.ts',
  'test/table/faults.test.ts',
  'test/doors/lambda/package.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative(this.ctx.config.root, moduleId));
      return at < 0 ? LONGEST.length : at;
    };
    const sorted = await super.sort(files);
    // others stay in vitest's order
    return sorted.sort((one, two) => rank(one) - rank(two));
  }
}
