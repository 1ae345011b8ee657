/** Whether somebody can have come from one place to another in time. Pure. */
import type { Place } from '../../shared/ports/places.ts';

/** An airliner's speed, km/h. */
const FASTEST = 1_000;
/** Geo databases err by that much, km: nobody travelled who is that near. */
const BLUR = 500;
/** Where only countries are known: nobody changes them within that, seconds, but at a border, which is not told. */
const BORDER_S = 1_800;
const EARTH_KM = 6_371;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** The way between two points on the earth in km (haversine). */
export const distance = (
  one: { latitude: number; longitude: number },
  two: { latitude: number; longitude: number },
): number => {
  const north = Math.sin(radians(two.latitude - one.latitude) / 2) ** 2;
  const east = Math.sin(radians(two.longitude - one.longitude) / 2) ** 2;
  const along = north + Math.cos(radians(one.latitude)) * Math.cos(radians(two.latitude)) * east;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(along)));
};

interface Seen {
  /** Unix seconds. */
  at: number;
  place: Place;
}

const pointOf = ({ latitude, longitude }: Place) =>
  latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };

/** True when nobody gets from one place to the other in the time between. Not known is not too far. */
export const isTooFar = (before: Seen, now: Seen): boolean => {
  const [from, to] = [pointOf(before.place), pointOf(now.place)];
  const seconds = Math.max(0, now.at - before.at);
  if (from && to) {
    const way = distance(from, to);
    return way > BLUR && way > (FASTEST * seconds) / 3_600;
  }
  const [left, reached] = [before.place.country, now.place.country];
  return Boolean(left && reached && left !== reached && seconds < BORDER_S);
};
