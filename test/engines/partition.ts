/**
 * A network of two machines that can be parted, in a network namespace of Linux: packets vanish, and nobody is told that they do.
 * Processes of the test are on one side, those that it starts by `beyond` on the other.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

export interface Network {
  /** Where this side listens, and the other. */
  readonly here: string;
  readonly there: string;
  /** The command line that runs a program on the other side. */
  beyond(...command: string[]): string[];
  /** From now on packets of both directions are lost. */
  part(): void;
  join(): void;
  close(): void;
}

/** No network card has it: what is sent there arrives and is nobody's. */
const NOBODY = '02:00:00:00:00:01';

const ip = (...words: string[]): void => {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
};

/** Makes the network; undefined where that is not permitted (it takes CAP_SYS_ADMIN and CAP_NET_ADMIN) or `ip` is missing. */
export const openNetwork = (): Network | undefined => {
  const number = randomInt(1, 250);
  const name = `p21-${process.pid}-${number}`;
  const [here, there] = [`10.213.${number}.1`, `10.213.${number}.2`];
  const [near, far] = [`p21h${number}`, `p21t${number}`];
  const inside = (...words: string[]): void => ip('netns', 'exec', name, 'ip', ...words);
  const close = (): void => void spawnSync('ip', ['netns', 'del', name]);
  try {
    ip('netns', 'add', name);
  } catch {
    return undefined;
  }
  try {
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
    ip('addr', 'add', `${here}/30`, 'dev', near);
    ip('link', 'set', near, 'up');
    inside('addr', 'add', `${there}/30`, 'dev', far);
    inside('link', 'set', far, 'up');
    inside('link', 'set', 'lo', 'up');
  } catch {
    close();
    return undefined;
  }
  return {
    here,
    there,
    beyond: (...command) => ['ip', 'netns', 'exec', name, ...command],
    part: () => {
      ip('neigh', 'replace', there, 'lladdr', NOBODY, 'nud', 'permanent', 'dev', near);
      inside('neigh', 'replace', here, 'lladdr', NOBODY, 'nud', 'permanent', 'dev', far);
    },
    join: () => {
      ip('neigh', 'replace', there, 'lladdr', NOBODY, 'nud', 'stale', 'dev', near);
      ip('neigh', 'flush', 'dev', near);
      inside('neigh', 'replace', here, 'lladdr', NOBODY, 'nud', 'stale', 'dev', far);
      inside('neigh', 'flush', 'dev', far);
    },
    close,
  };
};
