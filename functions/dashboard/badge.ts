import { LRUCache } from 'lru-cache';
import { CloudError } from '#shared/errors.ts';
import { parseFunctionKey, parseOwner, serviceName } from '#shared/names.ts';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import { escapeHtml } from '#shared/web/html.ts';
import { type ask, ask as askFunction } from './ask.ts';
import { listedFunctionsSchema } from './function-rows.ts';

/** Where badges lie: `/badge/<owner>/<function>.svg`; an owner can hold slashes. */
export const badgeBase = '/badge/';

const cacheMs = 30_000;
/** Anybody may ask, so only so many questions go on to the gateway at once. */
const maxAsking = 10;

/**
 * Makes what gives the badge of a function by its path. Of private repos nobody learns whether they
 * are there: they are as unknown as what does not exist.
 *
 * @returns a function that gives SVG
 * @throws CloudError `OFC_NOT_FOUND`, `OFC_BUSY`, or those of list-functions
 */
export function createBadges(parts: Parameters<typeof ask>[0]): (path: string) => Promise<string> {
  const known = new LRUCache<string, { readonly svg: string | undefined }>({
    max: 2000,
    ttl: cacheMs,
  });
  let asking = 0;
  return async (path) => {
    let found = known.get(path);
    if (found === undefined) {
      if (asking >= maxAsking) throw new CloudError('OFC_BUSY', 'Try again in a moment.');
      asking += 1;
      try {
        found = { svg: await badgeOf(parts, path) };
        known.set(path, found);
      } finally {
        asking -= 1;
      }
    }
    if (found.svg === undefined) {
      throw new CloudError('OFC_NOT_FOUND', 'There is no such badge, or its repo is private.');
    }
    return found.svg;
  };
}

async function badgeOf(
  parts: Parameters<typeof ask>[0],
  path: string,
): Promise<string | undefined> {
  const named = /^\/badge\/(.{1,300})\/([^/]{1,100})\.svg$/.exec(path);
  if (named === null) return undefined;
  let service: string;
  let owner: ReturnType<typeof parseOwner>;
  try {
    owner = parseOwner(decodeURIComponent(named[1] ?? ''));
    service = serviceName(owner, parseFunctionKey(named[2]));
  } catch {
    return undefined;
  }
  const listed = await askFunction(parts, 'list-functions', { user: owner }, listedFunctionsSchema);
  const fn = listed.find(({ name }) => name === service);
  if (fn === undefined || fn.labels[cloudLabel.private] !== '0') return undefined;
  const isUp = fn.replicas === 0 || fn.availableReplicas > 0;
  const sha = (fn.labels[cloudLabel.sha] ?? '').slice(0, 7);
  return badge(named[2] ?? '', `${isUp ? 'live' : 'starting'} ${sha}`.trim(), isUp);
}

/** Two boxes with a text each; the widths are those of the usual sans-serif. */
function badge(name: string, state: string, good: boolean): string {
  const width = (text: string) => Math.round(text.length * 6.6 + 12);
  const [left, right] = [width(name), width(state)];
  const text = (x: number, words: string) =>
    `<text x="${x}" y="14" text-anchor="middle" fill="#fff">${escapeHtml(words)}</text>`;
  const label = escapeHtml(`${name}: ${state}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${label}"><title>${label}</title><rect width="${left}" height="20" fill="#444c56"/><rect x="${left}" width="${right}" height="20" fill="${good ? '#14743c' : '#8a5a00'}"/><g font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${text(left / 2, name)}${text(left + right / 2, state)}</g></svg>
`;
}
