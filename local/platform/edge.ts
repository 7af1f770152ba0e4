import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { wantsHtml } from '#shared/web/error-page.ts';
import { type Gateway, listenerOptions } from '../gateway/gateway.ts';
import type { GitServer } from '../git-server/git-server.ts';
import { withoutHeaders } from '../http/raw-headers.ts';
import type { Registry } from '../registry/registry.ts';

/** What stands behind the one port. */
export interface Backends {
  readonly gateway: Gateway;
  readonly git: GitServer;
  readonly registry: Registry;
}

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
const visitorHost = /^[^/?#@]+\.localhost\.?(?::\d{1,5})?$/i;

/** Only we say who forwarded a request: this is the first hop. */
const forwarding = new Set([
  'x-forwarded-host',
  'x-forwarded-for',
  'x-forwarded-proto',
  'forwarded',
]);

/**
 * The one listener of `npm start`. By `Host`: a loopback name is the gateway, with the git server and
 * the registry below their paths; `<name>.localhost` is a visitor, handed to of-router as an ingress
 * would; anything else is refused, so that no web page reaches us by a name of its own. Browsers that ask for the
 * gateway's root are sent to the page for people; its own is behind a password, as OpenFaaS's.
 */
export function createEdge({ gateway, git, registry }: Backends): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { host = '' } = request.headers;
    const { url = '' } = request;
    if (!url.startsWith('/')) return refuse(response, 400, 'The request target must be a path.');
    if (visitorHost.test(host)) {
      asVisitor(request, host);
      return gateway.handle(request, response);
    }
    if (!loopbackHost.test(host)) return refuse(response, 421, 'This host is not served here.');
    if (/^\/git(?:[/?]|$)/.test(url)) {
      if (!(await git.handle(request, response))) refuse(response, 404, 'Not found.');
      return;
    }
    if (url === '/' && request.method === 'GET' && wantsHtml(request)) {
      const location = `http://system.localhost${/:\d+$/.exec(host)?.[0] ?? ''}/`;
      return void response.writeHead(307, { location, vary: 'Accept' }).end();
    }
    if (/^\/v2(?:[/?]|$)/.test(url)) return registry.handle(request, response);
    gateway.handle(request, response);
  };

  const server = createServer(listenerOptions, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  // The function decides whether a body is wanted; see the runtime's `Expect` handling.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    const { host = '' } = request.headers;
    if (visitorHost.test(host)) asVisitor(request, host);
    else if (!loopbackHost.test(host)) return void socket.destroy();
    gateway.upgrade(request, socket, head);
  });
  return server;
}

function asVisitor(request: IncomingMessage, host: string): void {
  request.url = `/function/of-router${request.url}`;
  request.rawHeaders = [
    ...withoutHeaders(request.rawHeaders, forwarding),
    'X-Forwarded-Host',
    host,
    'X-Forwarded-Proto',
    'http',
  ];
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
