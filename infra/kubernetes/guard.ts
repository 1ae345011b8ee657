/** What no cluster can have: refused when manifests are generated, in one line each. */
import type { IContainer } from 'kubernetes-models/v1';

const LOOPBACK = /(?:\/\/|@|=|^)(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/,]|$)/i;
/** A user and password in an address, or a variable that holds a secret. */
const SECRET_IN_URL = /:\/\/[^/@\s]*:[^/@\s]+@/;
const SECRET_NAME = /(SECRET|TOKEN|PASSWORD|PASSWD|_KEY)$/;
const SECRET_VALUE = /^(file:)?\//;

/** A release of three numbers, with what it is built on; those of PostgreSQL have two. Fewer move, as `latest` does. */
const RELEASE = /^v?\d+\.\d+\.\d+(?:[-+.]|$)/;
const RELEASE_OF: Readonly<Record<string, RegExp>> = { postgres: /^\d+\.\d+(?:-|$)/ };

/** Why an image is no release; undefined when it is one. */
export const imageFault = (image = ''): string | undefined => {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return undefined;
  const [, name = '', tag] = /(?:^|\/)([^/:@]+)(?::([^/:@]+))?$/.exec(image) ?? [];
  if (!tag) return `the image ${image || '(none)'} has no tag: name a release`;
  return (RELEASE_OF[name] ?? RELEASE).test(tag)
    ? undefined
    : `the image ${image} is not always the same: name a release to its last number, or a digest`;
};

/** What is wrong with a variable of a container; undefined when nothing is. */
export const settingFault = (name: string, value = ''): string | undefined => {
  if (LOOPBACK.test(value)) return `${name} leads to the container itself: name a Service`;
  if (SECRET_IN_URL.test(value) || (SECRET_NAME.test(name) && value && !SECRET_VALUE.test(value)))
    return `${name} is a secret in plain text: refer to a Secret`;
  return undefined;
};

/** Everything of a container that no cluster can have. */
export const containerFaults = ({ name, image, env = [] }: IContainer): string[] =>
  [imageFault(image), ...env.map((each) => settingFault(each.name, each.value))]
    .filter((fault) => fault !== undefined)
    .map((fault) => `${name}: ${fault}`);

/** The containers in a manifest, whatever its kind. */
export const containersIn = (manifest: unknown): IContainer[] => {
  if (typeof manifest !== 'object' || manifest === null) return [];
  return Object.entries(manifest).flatMap(([key, value]) =>
    (key === 'containers' || key === 'initContainers') && Array.isArray(value)
      ? (value as IContainer[])
      : containersIn(value),
  );
};

/**
 * The manifests as they are.
 *
 * @throws Error with the first fault, in one line
 */
export const guarded = <T>(manifests: readonly T[]): readonly T[] => {
  const [fault] = manifests.flatMap(containersIn).flatMap(containerFaults);
  if (fault !== undefined) throw new Error(fault);
  for (const manifest of manifests as readonly { kind?: string }[])
    if (manifest.kind === 'Secret') throw new Error('a Secret stands in no file: make it where the cluster is');
  return manifests;
};
