/** What AWS's SDK would miss only at its first call. */
import type { Config } from '../config/config.ts';
import { StartError } from '../config/start-error.ts';

/** The variables that name something in AWS whose region is that of the process. */
const inAws = ({ keys, bus, mail, sms, push, discovery }: Config): string[] => {
  const uses: Record<string, boolean> = {
    KEYS_URL: keys.source === 'kms',
    BUS_URL: bus.engine === 'eventbridge',
    MAIL_URL: mail.providers.some(({ transport }) => transport === 'ses'),
    SMS_URL: sms.providers.some((each) => each.transport === 'sns' && !each.region),
    PUSH_URL: push.providers.some(({ transport }) => transport === 'sns'),
    DISCOVERY_URL: discovery.registry === 'cloudmap',
  };
  return Object.keys(uses).filter((name) => uses[name]);
};

/**
 * Sees to it that there is a region, from `AWS_REGION` or a profile, where the configuration needs one.
 *
 * @throws StartError when there is none
 */
export const requireRegion = async (config: Config): Promise<void> => {
  const variables = inAws(config);
  if (variables.length === 0 || process.env.AWS_REGION) return;
  const { regionOf } = await import('../aws/settings.ts');
  await regionOf({}).catch((cause) => {
    throw new StartError(`AWS_REGION is missing: set the region for ${variables.join(' and ')}`, { cause });
  });
};
