/** What a packaged function weighs, and what the stack holds. What a start costs: cold-start.ts. */
import { bundlesIn, MAX_BUNDLE, MAX_RESOURCES, resourcesIn } from '../../infra/aws/bundles.ts';
import { PACKAGE, serverlessPackage } from '../../infra/package.ts';
import type { Bench } from './bench.ts';

const kB = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

export const bench: Bench = {
  name: 'bundles',
  run: async () => {
    await serverlessPackage();
    const bundles = bundlesIn(PACKAGE);
    const { name, size } = bundles[0]!;
    const resources = Object.keys(resourcesIn(PACKAGE)).length;
    return [
      {
        what: `largest of ${bundles.length} bundles, without the AWS SDK`,
        measured: `${kB(size)} (${name})`,
        baseline: '',
        bound: `< ${kB(MAX_BUNDLE)}`,
        ok: size < MAX_BUNDLE,
      },
      {
        what: `CloudFormation resources of ${bundles.length} functions`,
        measured: `${resources}`,
        baseline: '',
        bound: `<= ${MAX_RESOURCES}`,
        ok: resources <= MAX_RESOURCES,
      },
    ];
  },
};
