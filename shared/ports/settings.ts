/** A field that an operator adds to accounts. Its values are texts, as its type wants them. */
export interface ProfileField {
  type: 'text' | 'integer' | 'number' | 'boolean' | 'date' | 'url' | 'choice';
  max_length: number;
  min?: number;
  max?: number;
  choices?: readonly string[];
  required: boolean;
  /** Who changes and who sees it: `user` is its owner, and whoever may do so with users. */
  write: 'user' | 'admin';
  read: 'user' | 'admin';
}
export type ProfileFields = Readonly<Record<string, ProfileField>>;

/** What an operator may set and an operation needs to know. Durations are seconds. */
export interface Settings {
  /** Base of links in mails and `iss` of tokens; never taken from a request. */
  public_url: string;
  audience: string;
  access_token_ttl: number;
  refresh_idle_ttl: number;
  refresh_absolute_ttl: number;
  /** Of a user, at most; one more ends the oldest. */
  max_sessions: number;
  /** How long a client may race itself with the parent of the current refresh token. */
  refresh_grace: number;
  verification_ttl: number;
  reset_ttl: number;
  password_min_length: number;
  /** What bounds on requests and messages are multiplied by; Infinity: there are none. */
  rate_limits: number;
  /** At most this long after a request for a new password it is worked on, at a random time. */
  reset_delay: number;
  login_attempts: number;
  login_window: number;
  /** What passkeys are for (WebAuthn): the domain of the relying party, and the pages that may ask for them. */
  passkeys: { rp_id: string; origins: readonly string[] };
  /** How long lines of the audit log are kept. */
  audit_kept: number;
  profile: ProfileFields;
}
