/** Where policies decide: a token carries what roles and grants allow, and nothing of policies and their conditions. */
export interface PolicyScopes {
  /**
   * False when no policy speaks of this, so that the permissions of a token decide alone. True also while that is not known.
   *
   * @param generation the claim `rgen` of the token: as of when its roles and policies are
   */
  concern(resource: string, action: string, generation: number): boolean;
}
