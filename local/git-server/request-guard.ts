import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';

const loopbackHost = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;
const loopbackAddress = /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1)$/;

/**
 * Lets only this machine in, and no web page of another site.
 *
 * The server asks for no password, so a browser must not become a way in: a page whose name was
 * rebound to 127.0.0.1 has a foreign `Host`; a form or script of another site has a foreign `Origin`
 * or `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/). git and API clients send neither.
 *
 * @throws HttpError 403
 */
export function requireThisMachine(request: IncomingMessage): void {
  if (!loopbackAddress.test(request.socket.remoteAddress ?? '')) {
    throw new HttpError(403, 'This git server answers this machine only.');
  }
  const host = request.headers.host ?? '';
  if (!loopbackHost.test(host)) {
    throw new HttpError(403, 'This git server answers to 127.0.0.1, localhost and [::1] only.');
  }
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'] ?? 'none';
  const foreign = origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`;
  if (foreign || (site !== 'same-origin' && site !== 'none')) {
    throw new HttpError(403, 'Pages of other sites may not write here.');
  }
}
