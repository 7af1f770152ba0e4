import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { createLogger } from '#shared/log.ts';
import { type ImageReference, parseImageReference } from '#shared/registry/image-reference.ts';
import { parseChallenge } from '#shared/registry/registry-auth.ts';
import { createRegistryClient, type RegistryClient } from '#shared/registry/registry-client.ts';
import { createRegistry, type Registry } from '../../../local/registry/registry.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const authorization = `Basic ${Buffer.from('push:token').toString('base64')}`;
const sha256 = (data: string | Buffer) =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;
const credentials = () => ({ username: 'push', password: 'token' });
const limit = { maxBytes: 10_000_000 };

describe('createRegistryClient', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let registry: Registry;
  const servers: Server[] = [];
  const client = createRegistryClient({ credentials });

  before(async () => {
    folder = await tempDir();
    registry = await createRegistry({
      folder: folder.path,
      log: createLogger(),
      authorizePush: ({ headers }) => headers.authorization === authorization,
    });
  });

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  after(async () => {
    await registry.close();
    await folder.remove();
  });

  async function listen(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const real = () => listen((message, response) => void registry.handle(message, response));
  const at = (host: string, rest = 'alice/app:v1') => parseImageReference(`${host}/${rest}`);

  async function failure(run: Promise<unknown>): Promise<CloudError> {
    try {
      await run;
    } catch (error) {
      if (error instanceof CloudError) return error;
      throw error;
    }
    throw new Error('It should have failed.');
  }

  async function pushImage(to: RegistryClient, reference: ImageReference, layer: Buffer) {
    const config = Buffer.from('{}');
    for (const data of [config, layer]) {
      await to.pushBlob(reference, sha256(data), data.length, () => Readable.from([data]));
    }
    const descriptor = (data: Buffer) => ({
      mediaType: 'application/octet-stream',
      digest: sha256(data),
      size: data.length,
    });
    const body = { schemaVersion: 2, config: descriptor(config), layers: [descriptor(layer)] };
    return to.pushManifest(reference, manifestType, Buffer.from(JSON.stringify(body)));
  }

  it('pushes an image and pulls it back', async () => {
    const reference = at(await real());
    const layer = randomBytes(300_000);
    const digest = await pushImage(client, reference, layer);
    expect(await client.manifestDigest(reference)).to.equal(digest);
    const anonymous = createRegistryClient();
    const pulled = await anonymous.pullManifest(reference);
    expect([pulled?.digest, pulled?.mediaType]).to.deep.equal([digest, manifestType]);
    const data = await buffer(await anonymous.pullBlob(reference, sha256(layer), limit));
    expect(data.equals(layer)).to.equal(true);
    const pinned = at(reference.host, `alice/app@${digest}`);
    expect((await anonymous.pullManifest(pinned))?.digest).to.equal(digest);
  });

  it('says that an image is not there', async () => {
    const reference = at(await real(), 'alice/never:v1');
    expect(await client.manifestDigest(reference)).to.equal(undefined);
    expect(await client.pullManifest(reference)).to.equal(undefined);
    const error = await failure(client.pullBlob(reference, sha256('x'), limit));
    expect(error.code).to.equal('OFC_NOT_FOUND');
  });

  it('sends a blob only if it is missing, and mounts what another repository has', async () => {
    const asked: string[] = [];
    const host = await listen((message, response) => {
      asked.push(`${message.method} ${message.url?.replace(/\?.*/, '?')}`);
      void registry.handle(message, response);
    });
    const data = randomBytes(1000);
    let opened = 0;
    const open = () => {
      opened++;
      return Readable.from([data]);
    };
    const digest = sha256(data);
    await client.pushBlob(at(host, 'alice/one'), digest, data.length, open);
    await client.pushBlob(at(host, 'alice/one'), digest, data.length, open);
    await client.pushBlob(at(host, 'alice/two'), digest, data.length, open, {
      mountFrom: 'alice/one',
    });
    expect(opened).to.equal(1);
    expect(asked.filter((line) => line.startsWith('PUT'))).to.have.length(1);
  });

  it('refuses to send another size or digest than it said', async () => {
    const host = await real();
    const data = Buffer.from('data');
    const open = () => Readable.from([data]);
    for (const size of [3, 5]) {
      const error = await failure(client.pushBlob(at(host), sha256(data), size, open));
      expect(error.code).to.equal('OFC_INTERNAL');
    }
    const wrong = await failure(client.pushBlob(at(host), sha256('other'), 4, open));
    expect(wrong.code).to.equal('OFC_UPSTREAM');
    expect(wrong.message).to.include('DIGEST_INVALID');
    expect((await failure(client.pushBlob(at(host), '../x', 4, open))).code).to.equal(
      'OFC_BAD_REQUEST',
    );
  });

  it('says that the credentials are wrong, and never what they are', async () => {
    const reference = at(await real());
    for (const bad of [undefined, () => ({ username: 'push', password: 'hidden' })]) {
      const other = createRegistryClient({ credentials: bad });
      const error = await failure(other.pushManifest(reference, manifestType, Buffer.from('{}')));
      expect(error.code).to.equal('OFC_CONFIG');
      expect(error.text).not.to.include('hidden');
    }
  });

  it('refuses content that does not have its digest', async () => {
    const manifest = '{"schemaVersion":2}';
    const host = await listen((message, response) => {
      if (message.url?.includes('/header')) {
        response.setHeader('docker-content-digest', sha256('other'));
      }
      response.setHeader('content-length', manifest.length).end(manifest);
    });
    const pinned = at(host, `a@${sha256('other')}`);
    expect((await failure(client.pullManifest(pinned))).code).to.equal('OFC_UPSTREAM');
    expect((await failure(client.pullManifest(at(host, 'a:header')))).code).to.equal(
      'OFC_UPSTREAM',
    );
    const good = await client.pullBlob(at(host), sha256(manifest), limit);
    expect((await buffer(good)).toString()).to.equal(manifest);
    const bad = await client.pullBlob(at(host), sha256('other'), limit);
    expect((await failure(buffer(bad))).message).to.include('other content');
    const long = await client.pullBlob(at(host), sha256(manifest), { maxBytes: 5 });
    expect((await failure(buffer(long))).code).to.equal('OFC_TOO_LARGE');
  });

  it('refuses an endless manifest and reports a layer that breaks off', async () => {
    const host = await listen((message, response) => {
      if (message.url?.includes('/blobs/')) {
        response.writeHead(200, { 'content-length': '10' });
        response.write('abc', () => response.destroy());
        return;
      }
      const send = () => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', send);
      send();
    });
    expect((await failure(client.pullManifest(at(host)))).code).to.equal('OFC_TOO_LARGE');
    const cut = await client.pullBlob(at(host), sha256('x'), limit);
    expect((await failure(buffer(cut))).code).to.equal('OFC_UPSTREAM');
  });

  it('computes the digest where a registry does not say it', async () => {
    const host = await listen((_, response) => {
      response.end('{}');
    });
    expect(await client.manifestDigest(at(host))).to.equal(sha256('{}'));
  });

  for (const absolute of [false, true]) {
    it(`follows ${absolute ? 'an absolute' : 'a relative'} upload address and keeps its query`, async () => {
      const seen: string[] = [];
      const host = await listen((message, response) => {
        message.resume().on('end', () => {
          if (message.method === 'HEAD') response.writeHead(404).end();
          else if (message.method === 'POST') {
            const location = `${absolute ? `http://${message.headers.host}` : ''}/up/1?_state=a%2Bb`;
            response.writeHead(202, { location }).end();
          } else {
            seen.push(`${message.url}`);
            response.writeHead(201).end();
          }
        });
      });
      const digest = sha256('x');
      await client.pushBlob(at(host), digest, 1, () => Readable.from(['x']));
      expect(seen).to.deep.equal([`/up/1?_state=a%2Bb&digest=${encodeURIComponent(digest)}`]);
    });
  }

  describe('with bearer tokens', () => {
    /** A registry that wants a token for each scope, and the service that gives them. */
    async function withTokens(realm?: string) {
      const log: { scopes: string[]; basic: (string | undefined)[] } = { scopes: [], basic: [] };
      const tokens = await listen((message, response) => {
        const { searchParams } = new URL(message.url ?? '', 'http://x');
        log.scopes.push(searchParams.getAll('scope').join(' '));
        log.basic.push(message.headers.authorization);
        expect(searchParams.get('service')).to.equal('reg');
        response.end(JSON.stringify({ token: searchParams.getAll('scope').join('|') }));
      });
      const host = await listen((message, response) => {
        const scope = /^(GET|HEAD)$/.test(message.method ?? '') ? 'pull' : 'push';
        if (!message.headers.authorization?.includes(scope)) {
          response.writeHead(401, {
            'www-authenticate': `Bearer realm="${realm ?? `http://${tokens}/token`}",service="reg"`,
          });
          response.end();
          return;
        }
        message.headers.authorization = authorization;
        void registry.handle(message, response);
      });
      return { host, log };
    }

    it('gets one for each scope, and keeps it', async () => {
      const { host, log } = await withTokens();
      const own = createRegistryClient({ credentials });
      const reference = at(host, 'alice/bearer:v1');
      const digest = await pushImage(own, reference, randomBytes(10));
      expect(await own.manifestDigest(reference)).to.equal(digest);
      expect(await own.manifestDigest(reference)).to.equal(digest);
      expect(log.scopes).to.deep.equal([
        'repository:alice/bearer:pull,push',
        'repository:alice/bearer:pull',
      ]);
      expect(log.basic[0]).to.equal(authorization);
      const anonymous = createRegistryClient();
      expect(await anonymous.manifestDigest(reference)).to.equal(digest);
      expect(log.basic.at(-1)).to.equal(undefined);
    });

    it('does not ask services that make no sense', async () => {
      for (const realm of [
        '',
        'nonsense',
        'ftp://127.0.0.1/',
        'file:///etc/passwd',
        'http://example.com/token',
        'https://a:b@example.com/',
      ]) {
        const { host } = await withTokens(realm);
        const error = await failure(createRegistryClient({ credentials }).manifestDigest(at(host)));
        expect(error.code, realm).to.equal('OFC_UPSTREAM');
        expect(error.message).to.include('cannot be trusted');
      }
    });
  });

  it('follows redirects of reads, without credentials to other hosts', async () => {
    const seen: (string | undefined)[] = [];
    const storage = await listen((message, response) => {
      seen.push(message.headers.authorization);
      response.end('layer');
    });
    const host = await listen((message, response) => {
      if (message.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      } else response.writeHead(307, { location: `http://${storage}/signed` }).end();
    });
    const body = await client.pullBlob(at(host), sha256('layer'), limit);
    expect((await buffer(body)).toString()).to.equal('layer');
    expect(seen).to.deep.equal([undefined]);
  });

  it('gives up on endless redirects and on schemes other than HTTP', async () => {
    for (const location of ['/v2/again', 'file:///etc/passwd', 'http://user:pw@127.0.0.1/']) {
      const host = await listen((_, response) => {
        response.writeHead(302, { location }).end();
      });
      const error = await failure(client.pullBlob(at(host), sha256('x'), limit));
      expect(error.code).to.equal('OFC_UPSTREAM');
    }
  });

  it('maps what goes wrong', async () => {
    for (const [status, code] of [
      [500, 'OFC_UPSTREAM'],
      [403, 'OFC_CONFIG'],
      [429, 'OFC_BUSY'],
    ] as const) {
      const host = await listen((_, response) => {
        response.writeHead(status).end('{"errors":[{"code":"SOME","message":"thing"}]}');
      });
      const error = await failure(client.pullManifest(at(host)));
      expect(error.code).to.equal(code);
      expect(error.message).to.include('SOME thing');
    }
    const host = await listen(() => {});
    for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
    const error = await failure(client.manifestDigest(at(host)));
    expect(error.code).to.equal('OFC_UPSTREAM');
    expect(error.message).to.include('ECONNREFUSED');
  });
});

describe('parseChallenge', () => {
  it('reads what registries send', () => {
    expect(parseChallenge('Basic realm="x y"')).to.deep.equal({
      scheme: 'basic',
      parameters: { realm: 'x y' },
    });
    expect(
      parseChallenge('bearer realm="https://a/t",service=b, scope="c:d:pull,push"'),
    ).to.deep.equal({
      scheme: 'bearer',
      parameters: { realm: 'https://a/t', service: 'b', scope: 'c:d:pull,push' },
    });
    expect(parseChallenge('Negotiate')).to.equal(undefined);
    expect(parseChallenge(undefined)).to.equal(undefined);
  });
});
