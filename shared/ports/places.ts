/** Where something is on earth, as far as it is known. */
export interface Place {
  /** ISO 3166-1 alpha-2, e.g. `DE`. */
  country?: string;
  region?: string;
  city?: string;
  /** Degrees. */
  latitude?: number;
  longitude?: number;
}

/**
 * Finds the place of an address. perfect21 ships no database: whoever has one puts an adapter in the place of the one that
 * knows nothing (`replace` of `openHost` and `launch`). What fails is not known: no login waits or fails for it.
 */
export interface Places {
  of(ip_address: string): Promise<Place | undefined>;
}
