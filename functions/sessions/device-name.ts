/** A name for a device, by what it says of itself: for its owner to tell it from others, and for nothing else. Pure. */

/** The first that fits; a browser also names those that it is like. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?(?:iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

const found = (list: readonly (readonly [RegExp, string])[], text: string): string | undefined =>
  list.find(([pattern]) => pattern.test(text))?.[1];

/**
 * The name that the device gave (`device_name`), or its browser and system, or what its program calls itself. Empty where
 * nothing is said.
 *
 * @example deviceName('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0') // 'Firefox on Linux'
 */
export const deviceName = (user_agent: string, device_info: Readonly<Record<string, string>> = {}): string => {
  const given = device_info.device_name?.trim();
  if (given) return given.slice(0, 100);
  const [program, system] = [found(PROGRAMS, user_agent), found(SYSTEMS, user_agent)];
  if (program && system) return `${program} on ${system}`;
  return program ?? system ?? /^[\w.-]{1,40}/.exec(user_agent)?.[0] ?? '';
};
