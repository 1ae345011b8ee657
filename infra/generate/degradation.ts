/** The page that tells what is answered while something is away. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dependency, Effect } from '../../functions/degradation.ts';
import type { Service } from '../../shared/kit/service.ts';
import { serviceName } from '../../shared/kit/service-name.ts';
import { type Row, rowsOf } from './away.ts';
import { type Generator, ROOT } from './files.ts';
import { withPart } from './markers.ts';
import { locate, platform } from './platform.ts';

const NAMES: Partial<Record<Dependency, string>> = {
  feed: 'feed of revocations',
  standing: 'permission-service, about the caller',
  keys: 'KMS',
  mailer: 'mail provider',
  sms: 'SMS provider',
  push: 'push provider',
};

const REFUSED = '503 with Retry-After, nothing has changed';
const AGAIN = 'its event is brought again';

/** An effect in words. */
const words = (effect: Effect): string => {
  switch (effect.answer) {
    case 'usual':
      return `answers as ever: ${effect.why}`;
    case 'stale':
      return `answers as ever for ${effect.seconds} s, then ${REFUSED}`;
    case 'without':
      return `answers without ${effect.part}${effect.warning ? `, with the warning \`${effect.warning}\`` : ''}`;
    case 'later':
      return `answers as ever; later: ${effect.what}${effect.by ? ` (\`${effect.by}\`)` : ''}`;
    case 'refused':
      return effect.only ? `${REFUSED}, if ${effect.only}; else answers as ever` : REFUSED;
    case 'again':
      return effect.only ? `${AGAIN}, if ${effect.only}; else is handled as ever` : AGAIN;
  }
};

const section = (service: Service): string => {
  let last: Row['op'] | undefined;
  const lines = rowsOf(service).map(({ op, dependency, effect }) => {
    const name = op === last ? '' : `[${op.name}](../${locate(op).file})`;
    last = op;
    return `| ${name} | ${NAMES[dependency] ?? serviceName(dependency)} | ${words(effect)} |`;
  });
  return [`## ${serviceName(service.name)}`, '', '| operation | without | |', '|---|---|---|', ...lines].join('\n');
};

const PATH = 'docs/degradation.md';

export const degradationPage: Generator = {
  generate: () => {
    const page = readFileSync(join(ROOT, PATH), 'utf8');
    return [{ path: PATH, content: withPart(page, 'degradation', platform.map(section).join('\n\n'), PATH) }];
  },
};
