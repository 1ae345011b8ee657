/** Who calls, by the name in a client certificate. */

/** What a client certificate stands for. */
export interface ClientIdentity {
  name: string;
  permissions: readonly string[];
}

/** By subject alternative name with its type, e.g. `URI:spiffe://perfect21/orders` or `DNS:orders.internal`. */
export type ClientIdentities = Readonly<Record<string, ClientIdentity>>;
