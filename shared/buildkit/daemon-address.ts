import { CloudError } from '../errors.ts';

/** Where a BuildKit daemon listens. */
export type DaemonAddress =
  | { readonly kind: 'tcp'; readonly url: string; readonly host: string; readonly port: number }
  /** buildkitd's socket. */
  | { readonly kind: 'unix'; readonly url: string; readonly path: string }
  /** Docker Engine's socket, which has a BuildKit of its own behind it. */
  | { readonly kind: 'docker'; readonly url: string; readonly path: string };

/** buildkitd's usual port. */
const defaultPort = 1234;

/**
 * Parses `tcp://host[:port]`, `unix:///path/buildkitd.sock` or `docker:///path/docker.sock`.
 *
 * @throws CloudError `OFC_CONFIG`
 */
export function parseDaemonAddress(text: string): DaemonAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && !url.username && !url.password && !url.search && !url.hash;
  if (plain && url.protocol === 'tcp:' && url.hostname !== '' && /^\/?$/.test(url.pathname)) {
    const port = url.port === '' ? defaultPort : Number(url.port);
    return { kind: 'tcp', url: text, host: url.hostname, port };
  }
  if (plain && url.host === '' && /^\/./.test(url.pathname)) {
    const path = decodeURIComponent(url.pathname);
    if (url.protocol === 'unix:') return { kind: 'unix', url: text, path };
    if (url.protocol === 'docker:') return { kind: 'docker', url: text, path };
  }
  throw new CloudError('OFC_CONFIG', `${JSON.stringify(text)} is not the address of a BuildKit.`, {
    hint: 'Write tcp://host:1234, unix:///run/buildkit/buildkitd.sock or docker:///var/run/docker.sock.',
  });
}
