/**
 * The original's design, plainly in Node: a router that asks an auth service over HTTP about each
 * request, then proxies it. The control of the bench; takes the ports of the gateway and of the auth service.
 */
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { listen } from '../../helpers/listen.ts';

const host = '127.0.0.1';
const agent = new Agent({ keepAlive: true });
const [gateway, auth] = process.argv.slice(2).map(Number);

function open(options: RequestOptions, body?: IncomingMessage): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, agent, ...options }, resolve).on('error', reject);
    if (body === undefined) outgoing.end();
    else body.pipe(outgoing);
  });
}

const { port } = await listen(async (incoming, response) => {
  const { method = 'GET', headers, url = '' } = incoming;
  const [owner] = String(headers['x-forwarded-host'] ?? headers.host).split('.');
  try {
    const decision = await open({ port: auth, path: `/q/?r=${encodeURIComponent(url)}` });
    decision.resume();
    if (decision.statusCode !== 200) return void response.writeHead(401).end();
    const answer = await open(
      { port: gateway, method, path: `/function/${owner}-${url.slice(1)}`, headers },
      incoming,
    );
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  } catch {
    response.writeHead(502).end();
  }
});
process.send?.({ port });
