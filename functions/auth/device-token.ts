/**
 * Device tokens (OWASP, "Device Cookies"): who logged in once carries a proof of it from then on. Its holder's tries at a
 * password have a count of their own, so that a stranger's don't keep the owner out. It opens nothing by itself.
 *
 * `p21d_<user>.<device>.<issued>.<tag>`: user and device are 128 bits, issued are unix seconds, the tag is an HMAC.
 */
import { isTagOf, tagOf } from '../../shared/kit/hmac.ts';
import type { Ids } from '../../shared/ports/clock.ts';
import type { Secrets } from '../../shared/ports/secrets.ts';

/** How long a device is known after its last login, in seconds. */
export const KNOWN_FOR = 180 * 86_400;

const FORM = /^p21d_([A-Za-z0-9_-]{1,128})\.([A-Za-z0-9_-]{22})\.(\d{1,12})\.([A-Za-z0-9_-]{22})$/;

/** A token for the device of a user: the same device as before, or a new one. `now` is unix ms. */
export const mintDevice = (
  secrets: Secrets,
  ids: Ids,
  user_id: string,
  now: number,
  device = ids.random(16),
): string => {
  const body = `${user_id}.${device}.${Math.floor(now / 1000)}`;
  return `p21d_${body}.${tagOf(secrets.key('device-token'), body).toString('base64url')}`;
};

/** The device that a token names, when it was issued here to this user and is not too old. `now` is unix ms. */
export const readDevice = (
  secrets: Secrets,
  token: string | undefined,
  user_id: string,
  now: number,
): string | undefined => {
  const [, user, device, issued, tag] = FORM.exec(token ?? '') ?? [];
  if (user !== user_id || !device || !issued || !tag) return undefined;
  const given = Buffer.from(tag, 'base64url');
  const genuine = isTagOf(secrets.keys('device-token'), `${user}.${device}.${issued}`, given);
  return genuine && now / 1000 - Number(issued) < KNOWN_FOR ? device : undefined;
};
