import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '#shared/log.ts';
import { createGitServer } from '../../../local/git-server/git-server.ts';

/** A git server as a process of its own, for tests that kill it: `<folder> <webhook url>`. Prints its address. */
const [folder = '', webhookUrl = ''] = process.argv.slice(2);
let base = '';
const gitServer = createGitServer({
  folder,
  basePath: '/git',
  publicUrl: () => `${base}/git`,
  webhook: { url: () => webhookUrl, secret: 'secret' },
  app: { id: 1, publicKeyPem: '', clientId: 'c', clientSecret: 's', callbackUrl: () => base },
  log: createLogger(),
});
const server = createServer((request, response) => void gitServer.handle(request, response));
server.listen(0, '127.0.0.1', () => {
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  console.log(base);
});
