/** Stands in for the gateway: one tenant's function, its list, and an of-auth that says yes. */
import { listen } from '../../helpers/listen.ts';

const body = Buffer.alloc(200, 'x');
const large = Buffer.alloc(1024 * 1024, 'x');
const piece = Buffer.alloc(1024, 'x');
const { port } = await listen((request, response) => {
  const json = (value: unknown) => response.end(JSON.stringify(value));
  const { url = '' } = request;
  if (url === '/system/functions') {
    const labels = {
      'com.openfaas.cloud.git-cloud': '1',
      'com.openfaas.cloud.git-owner': 'alice',
    };
    json([{ name: 'alice-hello', labels }]);
  } else if (url.startsWith('/function/of-auth/')) {
    json({ allow: true, cacheSeconds: 60 });
  } else if (url.endsWith('/large')) {
    response.writeHead(200, { 'content-length': large.length }).end(large);
  } else if (url.endsWith('/stream')) {
    for (let i = 0; i < 64; i++) response.write(piece);
    response.end();
  } else {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length });
    response.end(body);
  }
});
process.send?.({ port });
