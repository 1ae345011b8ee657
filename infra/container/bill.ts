/** What is in an image, as CycloneDX says it (1.6): each package by name, version, licence and hash. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  version: string;
  integrity?: string;
  license?: string;
}
interface Component {
  type: 'library' | 'application' | 'platform';
  'bom-ref': string;
  name: string;
  version: string;
  purl?: string;
  licenses?: { license?: { name: string }; expression?: string }[];
  hashes?: { alg: 'SHA-512' | 'SHA-256' | 'SHA-1'; content: string }[];
}

const ALGORITHMS = { sha512: 'SHA-512', sha256: 'SHA-256', sha1: 'SHA-1' } as const;

const hashesOf = (integrity: string | undefined): Component['hashes'] =>
  integrity?.split(' ').flatMap((each) => {
    const [algorithm = '', base64 = ''] = each.split(/-(.*)/s);
    const alg = ALGORITHMS[algorithm as keyof typeof ALGORITHMS];
    return alg ? [{ alg, content: Buffer.from(base64, 'base64').toString('hex') }] : [];
  });

/** `node_modules/a/node_modules/@b/c` → `@b/c` */
const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** @param packages by their folders from the top of the project; @throws Error for one that the lock does not know */
export const bill = (role: string, packages: ReadonlySet<string>, top: string): string => {
  const { version, license } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
  const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(join(top, 'package-lock.json'), 'utf8'));
  const libraries = [...packages].sort().map((folder): Component => {
    const locked = lock.packages[folder];
    if (!locked) throw new Error(`${folder} is in the image and not in package-lock.json`);
    const name = nameOf(folder);
    const purl = `pkg:npm/${name.replace('@', '%40')}@${locked.version}`;
    const hashes = hashesOf(locked.integrity);
    return {
      type: 'library',
      'bom-ref': folder,
      name,
      version: locked.version,
      purl,
      ...(locked.license && { licenses: [{ expression: locked.license }] }),
      ...(hashes?.length && { hashes }),
    };
  });
  const node: Component = {
    type: 'platform',
    'bom-ref': 'node',
    name: 'node',
    version: process.versions.node,
    purl: `pkg:generic/node@${process.versions.node}`,
    licenses: [{ license: { name: 'MIT' } }],
  };
  const own: Component = {
    type: 'application',
    'bom-ref': role,
    name: `perfect21-${role}`,
    version,
    licenses: [{ expression: license }],
  };
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: own },
    components: [node, ...libraries],
    dependencies: [{ ref: role, dependsOn: ['node', ...libraries.map((each) => each['bom-ref'])] }],
  };
  return `${JSON.stringify(document, null, 1)}\n`;
};
