/** The gateway of infra/kong, from the table of operations. */
import { layoutOf } from '../kong/layout.ts';
import type { Generator } from './files.ts';
import { documents } from './kubernetes.ts';
import { platform } from './platform.ts';

export const kong: Generator = {
  generate: () =>
    Object.entries(layoutOf(platform)).map(([name, manifests]) => ({
      path: `infra/kong/${name}`,
      content: documents('kong.ts', manifests),
    })),
};
