/** First match wins: most browsers name the ones before them, too. */
const browsers = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
] as const;
const systems = [
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
] as const;

/**
 * What people call the browser behind a `User-Agent`: “Firefox on Linux”; its first word if it is none
 * of the usual ones; `undefined` if it is empty.
 */
export function deviceOf(userAgent: string): string | undefined {
  const find = (of: readonly (readonly [RegExp, string])[]) =>
    of.find(([pattern]) => pattern.test(userAgent))?.[1];
  const system = find(systems);
  const browser = find(browsers) ?? userAgent.trim().split(/[\s/]/)[0];
  if (browser === undefined || browser === '') return undefined;
  return system === undefined ? browser : `${browser} on ${system}`;
}
