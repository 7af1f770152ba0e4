import { createHash } from 'node:crypto';

/**
 * The addresses in the order in which a key should use them: rendezvous hashing. The same key always
 * begins with the same daemon, whose cache is then warm, and one daemon more or less moves only its
 * own share of the keys.
 *
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing
 */
export function daemonOrder<T extends { readonly url: string }>(
  daemons: readonly T[],
  key: string,
): T[] {
  const weight = ({ url }: T): string =>
    createHash('sha256').update(`${url}\n${key}`).digest('hex');
  return daemons
    .map((daemon) => ({ daemon, weight: weight(daemon) }))
    .sort((a, b) => (a.weight < b.weight ? 1 : -1))
    .map(({ daemon }) => daemon);
}
