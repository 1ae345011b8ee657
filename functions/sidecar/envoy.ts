/** What Envoy asks and is answered (ext_authz, `envoy.service.auth.v3`), in our words. */
import type { CheckRequest, CheckResponse } from '../../proto/gen/envoy/service/auth/v3/external_auth.ts';
import { challengeOf, identityOf, LOOKALIKES, RETRY_AFTER } from './identity.ts';
import type { RequestVerdict } from './verdict.ts';

/** In place of what a client sent; Envoy would append otherwise. */
const OVERWRITE = 2;

const field = (key: string, value: string) => ({ header: { key, value }, append_action: OVERWRITE as 2 });

/** The values of `authorization`: one, or of raw header fields as many as there are. */
const credentials = (message: CheckRequest): string[] => {
  const { headers = {}, header_map } = message.attributes?.request?.http ?? {};
  const raw = header_map?.headers?.filter(({ key = '' }) => key.toLowerCase() === 'authorization') ?? [];
  const values = raw.map(({ value, raw_value }) =>
    raw_value?.length ? Buffer.from(raw_value).toString('latin1') : (value ?? ''),
  );
  return Object.hasOwn(headers, 'authorization') ? [headers.authorization!, ...values] : values;
};

/** What a route needs stands in its configuration, where no client writes: context_extensions, `permission`, by commas. */
export const fromEnvoy = (message: CheckRequest): { authorization: string[]; permissions: string[] } => ({
  authorization: credentials(message),
  permissions: (message.attributes?.context_extensions?.permission ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean),
});

const DENIED = {
  unauthenticated: { code: 16, status: 401, body: 'unauthenticated' },
  forbidden: { code: 7, status: 403, body: 'forbidden' },
  unknown: { code: 14, status: 503, body: 'unavailable' },
} as const;

/** A verdict as Envoy's answer. One that is not known is a denial, too: Envoy lets errors pass when told to. */
export const toEnvoy = (verdict: RequestVerdict): CheckResponse => {
  const identity = Object.entries(identityOf(verdict));
  if (verdict.outcome === 'allowed') {
    return {
      status: { code: 0 },
      ok_response: {
        headers: identity.filter(([, value]) => value).map(([key, value]) => field(key, value)),
        // Envoy sets no empty header fields
        headers_to_remove: [...identity.filter(([, value]) => !value).map(([key]) => key), ...LOOKALIKES],
      },
    };
  }
  const { code, status, body } = DENIED[verdict.outcome];
  const challenge = challengeOf(verdict);
  return {
    status: { code, message: verdict.error },
    denied_response: {
      status: { code: status },
      headers: [
        field('content-type', 'application/problem+json'),
        ...(challenge ? [field('www-authenticate', challenge)] : []),
        ...(verdict.outcome === 'unknown' ? [field('retry-after', RETRY_AFTER)] : []),
      ],
      body: JSON.stringify({ type: `urn:perfect21:error:${body}`, status, code: body, detail: verdict.error }),
    },
  };
};
