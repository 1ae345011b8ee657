/** What a version of a function is made of. */
import { createHash } from 'node:crypto';
import type { ZipEntry } from './zip.ts';

/** Lambda makes a version of these and of the code; a version of what did not change is refused. */
const VERSIONED = [
  ...[
    'Architectures',
    'Description',
    'Environment',
    'EphemeralStorage',
    'Handler',
    'KmsKeyArn',
    'Layers',
    'LoggingConfig',
  ],
  ...['MemorySize', 'Role', 'Runtime', 'SnapStart', 'Timeout', 'TracingConfig', 'VpcConfig'],
];

/**
 * Another release, and another configuration, has another one. Zips have times, their files none.
 *
 * @param properties of the function, in the template
 */
export const digest = (properties: Record<string, any>, files: readonly ZipEntry[]): string => {
  const hash = createHash('sha256').update(JSON.stringify(VERSIONED.map((name) => properties[name] ?? null)));
  for (const { name, content } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(JSON.stringify([name, content.length])).update(content);
  return hash.digest('hex').slice(0, 16);
};
