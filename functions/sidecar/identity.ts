/** Who a request is from, as header fields for the service behind a proxy. The same at every door. */
import { type RequestVerdict, refused } from './verdict.ts';

/** In a list commas separate; what has no place in a header field is escaped. */
const escaped = (text: string): string => text.replace(/[^\x21-\x2b\x2d-\x7e]/gu, encodeURIComponent);
const listed = (texts: readonly string[]): string => texts.map((text) => escaped(text.toWellFormed())).join(',');

/**
 * The fields, all of them for each request: those of a refused one are empty, so that nothing that a client sent under these
 * names stands in for them.
 */
export const identityOf = ({
  outcome,
  user_id,
  session_id,
  roles,
  permissions,
  expires_at,
}: RequestVerdict): Record<string, string> => ({
  'x-user-id': escaped(user_id),
  'x-session-id': escaped(session_id),
  'x-roles': listed(roles),
  'x-permissions': listed(permissions),
  'x-token-expires-at': outcome === 'allowed' ? String(expires_at) : '',
});

/** With each dash as it is or as an underscore. */
const spelled = ([first = '', ...rest]: readonly string[]): string[] =>
  rest.length === 0 ? [first] : spelled(rest).flatMap((end) => [`${first}-${end}`, `${first}_${end}`]);

/**
 * What a client could write to be taken for one of the fields: applications that know them by the names of CGI (RFC 3875,
 * section 4.1.18) can't tell `x_user_id` from `x-user-id`.
 */
export const LOOKALIKES: readonly string[] = Object.keys(identityOf(refused('unauthenticated', 'no_token')))
  .flatMap((name) => spelled(name.split('-')))
  .filter((name) => name.includes('_'));

/** RFC 6750, section 3; undefined where no credential would help. */
export const challengeOf = ({ outcome, error }: RequestVerdict): string | undefined => {
  if (outcome === 'unauthenticated' && error === 'no_token') return 'Bearer realm="perfect21"';
  if (outcome === 'unauthenticated')
    return `Bearer realm="perfect21", error="invalid_token", error_description="${error}"`;
  return outcome === 'forbidden' ? 'Bearer realm="perfect21", error="insufficient_scope"' : undefined;
};

/** Seconds after which asking again makes sense, where it can't be known now. */
export const RETRY_AFTER = '1';
