/** Who calls, by the name in a client certificate. */
import * as z from 'zod';
import { StartError } from '../config/start-error.ts';

/** What a client certificate stands for. */
export interface ClientIdentity {
  name: string;
  permissions: readonly string[];
}

/** By subject alternative name with its type, e.g. `URI:spiffe://perfect21/orders` or `DNS:orders.internal`. */
export type ClientIdentities = Readonly<Record<string, ClientIdentity>>;

const Form = z.record(
  z.string().regex(/^(URI|DNS|IP Address):[^",]+$/),
  z.strictObject({ name: z.string().min(1), permissions: z.array(z.string().regex(/^[^:\s]+(:[^:\s]+){1,2}$/)) }),
);

/**
 * @param text JSON: `{"URI:spiffe://perfect21/orders":{"name":"orders","permissions":["users:read"]}}`
 * @throws StartError when it is anything else
 */
export const parseIdentities = (text: string): ClientIdentities => {
  try {
    return Form.parse(JSON.parse(text));
  } catch (cause) {
    throw new StartError(
      'PERFECT21_TLS_CLIENTS is no such file: {"URI:spiffe://<domain>/<service>":{"name":"<service>","permissions":["users:read"]}}',
      { cause },
    );
  }
};
