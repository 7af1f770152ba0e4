import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { CloudError } from '../errors.ts';

/** Finds all addresses of a host, as `dns.lookup` does. */
export type ResolveHost = (
  host: string,
  options: { readonly all: true },
  done: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { address: string; family: number }[],
  ) => void,
) => void;

/** Where notifications of owners may go. */
export interface AllowedAddresses {
  /**
   * Reads the address of a destination.
   *
   * @throws CloudError `OFC_BAD_REQUEST` with what is wrong about it; the address is not in the message.
   */
  parseUrl(text: string): URL;
  /** For `net.connect`: gives only addresses that are allowed, so that no later look-up can differ. */
  readonly lookup: LookupFunction;
}

/** Special-purpose addresses of IPv4: https://www.iana.org/assignments/iana-ipv4-special-registry */
const special4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
/** Within the global unicast addresses, what leads elsewhere: Teredo and others, documentation, 6to4. */
const special6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const maxUrlLength = 2048;

/**
 * Makes {@link AllowedAddresses}: https only, and no address that is not public, whatever the name says.
 *
 * @param allowed Hosts, addresses and networks (`10.0.0.0/8`) that are fine all the same, also by plain http.
 * @param resolve For tests.
 * @throws Error if an entry of `allowed` is not one.
 */
export function createAllowedAddresses(
  allowed: readonly string[] = [],
  resolve: ResolveHost = (host, options, done) => lookup(host, options, done),
): AllowedAddresses {
  const hosts = new Set(allowed.map((entry) => entry.toLowerCase()));
  const networks = new BlockList();
  for (const entry of allowed.filter((text) => text.includes('/'))) addNetwork(networks, entry);
  const special = new BlockList();
  for (const [address, bits] of special4) special.addSubnet(address, bits, 'ipv4');
  for (const [address, bits] of special6) special.addSubnet(address, bits, 'ipv6');
  const global6 = new BlockList();
  global6.addSubnet('2000::', 3, 'ipv6');

  const isListed = (host: string): boolean => {
    const family = isIP(host);
    return hosts.has(host) || (family !== 0 && networks.check(host, familyName(family)));
  };
  const isPublic = (address: string): boolean => {
    const family = isIP(address);
    if (family === 4) return !special.check(address, 'ipv4');
    return family === 6 && global6.check(address, 'ipv6') && !special.check(address, 'ipv6');
  };

  return {
    parseUrl(text) {
      const url = text.length <= maxUrlLength && URL.canParse(text) ? new URL(text) : undefined;
      if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password) {
        throw refused('The address is not an https URL without user and password.');
      }
      const host = hostOf(url);
      if (isListed(host)) return url;
      if (url.protocol !== 'https:') throw refused('The address must begin with https://.');
      if (isIP(host) !== 0 && !isPublic(host)) throw refused(notPublic);
      return url;
    },
    lookup(host, options, done) {
      resolve(host, { all: true }, (error, found) => {
        if (error !== null) return done(error, '');
        const isFine = ({ address }: { address: string }) =>
          hosts.has(host.toLowerCase()) || isPublic(address) || isListed(address);
        // One address that is not fine is enough: who mixes them is up to something.
        const [first] = found;
        if (first === undefined || !found.every(isFine)) return done(refused(notPublic), '');
        if (options.all) return done(null, [...found]);
        done(null, first.address, first.family);
      });
    },
  };
}

const notPublic = 'The address is not a public one.';

/** Without the brackets of IPv6. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function addNetwork(networks: BlockList, entry: string): void {
  const [address = '', bits = ''] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || !/^\d{1,3}$/.test(bits)) throw new Error(`"${entry}" is not a network.`);
  networks.addSubnet(address, Number(bits), familyName(family));
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}

function refused(message: string): CloudError {
  return new CloudError('OFC_BAD_REQUEST', message, {
    hint: 'The operator can allow others with the variable notification_allow.',
  });
}
