import type { IncomingMessage } from 'node:http';

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Whether a request for a system route may come in: its `Host` is a loopback name, so no web page
 * has its own host name point here (DNS rebinding), and if a browser sent it, a page of this
 * gateway did (cross-site request forgery).
 */
export function isFromThisMachine({ headers }: IncomingMessage): boolean {
  const { host, origin } = headers;
  if (host === undefined || !loopback.test(host)) return false;
  if (origin !== undefined && origin !== `http://${host}`) return false;
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none';
}

/** Whether a URL points at a port of this machine's loopback interface. */
export function isLoopbackUrl(url: URL, port: number): boolean {
  return url.protocol === 'http:' && loopback.test(url.hostname) && Number(url.port || 80) === port;
}
