/** Credentials of services, of which only a hash is kept. */
import { collection } from '../ports/store.ts';

export interface ServiceCredential {
  name: string;
  /** SHA-256 of the secret, base64url. The secret has 256 random bits, so a slow hash would add nothing. */
  hash: string;
  permissions: string[];
  /** Unix ms. */
  created_at: number;
}

export const serviceCredentials = collection<ServiceCredential>()('service_credentials');
