import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { createRegistry, type Registry } from '../../../local/registry/registry.ts';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const push = { authorization: `Basic ${Buffer.from('push:token').toString('base64')}` };
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const sha256 = (data: string | Buffer) =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** The code of the first error. */
  readonly code: string | undefined;
}

describe('the registry', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let registry: Registry;
  let server: Server;
  let port: number;

  before(async () => {
    folder = await tempDir();
    registry = await createRegistry({
      folder: folder.path,
      log: createLogger(),
      authorizePush: ({ headers }) => headers.authorization === push.authorization,
    });
    server = createServer((message, response) => void registry.handle(message, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });

  after(async () => {
    server.close();
    server.closeAllConnections();
    await registry.close();
    await folder.remove();
  });

  /** Sends the path as it is; URL classes would tidy it up. */
  function call(
    method: string,
    path: string,
    {
      body = '',
      headers = push,
    }: { body?: string | Buffer; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length = { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = request(
        { host: '127.0.0.1', port, method, path, headers: { ...length, ...headers }, agent: false },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const text = Buffer.concat(chunks);
            const code = /"errors":\[\{"code":"(\w+)"/.exec(text.toString())?.[1];
            const { statusCode: status = 0, headers: got } = answer;
            resolve({ status, headers: got, body: text, code });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  const blob = async (repository: string, data: string | Buffer) => {
    const digest = sha256(data);
    const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
    const answer = await call('POST', path, { body: data });
    expect(answer.status).to.equal(201);
    return digest;
  };
  const manifest = (config: string, layers: string[] = [], more: object = {}) => {
    const descriptor = (digest: string) => ({
      mediaType: 'application/octet-stream',
      digest,
      size: 1,
    });
    return JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptor(config),
      layers: layers.map(descriptor),
      ...more,
    });
  };
  const putManifest = (path: string, body: string, type = manifestType) =>
    call('PUT', path, { body, headers: { ...push, 'content-type': type } });

  it('greets everybody, and tells how to log in', async () => {
    const answer = await call('GET', '/v2/', { headers: {} });
    expect(answer.status).to.equal(200);
    expect(answer.headers['docker-distribution-api-version']).to.equal('registry/2.0');
    expect(answer.headers['www-authenticate']).to.match(/^Basic /);
    expect((await call('GET', '/v2/')).status).to.equal(200);
    const wrong = await call('GET', '/v2/', { headers: { authorization: 'Basic eDp5' } });
    expect(wrong.status).to.equal(401);
  });

  it('takes an image and gives it back to anyone, by tag and digest', async () => {
    const config = await blob('alice/app', '{}');
    const layer = await blob('alice/app', 'layer');
    const text = manifest(config, [layer]);
    const put = await putManifest('/v2/alice/app/manifests/v1', text);
    expect(put.status).to.equal(201);
    expect(put.headers['docker-content-digest']).to.equal(sha256(text));
    for (const reference of ['v1', sha256(text)]) {
      const got = await call('GET', `/v2/alice/app/manifests/${reference}`, { headers: {} });
      expect(got.body.toString()).to.equal(text);
      expect(got.headers['content-type']).to.equal(manifestType);
      expect(got.headers['docker-content-digest']).to.equal(sha256(text));
      const head = await call('HEAD', `/v2/alice/app/manifests/${reference}`, { headers: {} });
      expect(head.headers['content-length']).to.equal(String(text.length));
      expect(head.body).to.have.length(0);
    }
    const got = await call('GET', `/v2/alice/app/blobs/${layer}`, { headers: {} });
    expect(got.body.toString()).to.equal('layer');
    const part = await call('GET', `/v2/alice/app/blobs/${layer}`, {
      headers: { range: 'bytes=1-2' },
    });
    expect([part.status, part.body.toString()]).to.deep.equal([206, 'ay']);
    expect(part.headers['content-range']).to.equal('bytes 1-2/5');
    const beyond = await call('GET', `/v2/alice/app/blobs/${layer}`, {
      headers: { range: 'bytes=9-' },
    });
    expect(beyond.status).to.equal(416);
  });

  it('lets nobody write without credentials', async () => {
    const digest = await blob('alice/app', 'protected');
    const wrong = { authorization: `Basic ${Buffer.from('push:wrong').toString('base64')}` };
    for (const headers of [{}, wrong]) {
      for (const [method, path] of [
        ['POST', '/v2/alice/app/blobs/uploads/'],
        ['GET', '/v2/alice/app/blobs/uploads/x'],
        ['PATCH', '/v2/alice/app/blobs/uploads/x'],
        ['PUT', '/v2/alice/app/blobs/uploads/x'],
        ['DELETE', '/v2/alice/app/blobs/uploads/x'],
        ['PUT', '/v2/alice/app/manifests/v1'],
        ['DELETE', '/v2/alice/app/manifests/v1'],
        ['DELETE', `/v2/alice/app/blobs/${digest}`],
      ] as const) {
        const answer = await call(method, path, { headers });
        expect([answer.status, answer.code], `${method} ${path}`).to.deep.equal([
          401,
          'UNAUTHORIZED',
        ]);
        expect(answer.headers['www-authenticate']).to.match(/^Basic /);
      }
    }
    expect((await call('HEAD', `/v2/alice/app/blobs/${digest}`)).status).to.equal(200);
  });

  it('takes a blob in pieces, says how far it is, and can be asked to drop it', async () => {
    const started = await call('POST', '/v2/alice/app/blobs/uploads/');
    expect(started.status).to.equal(202);
    const at = String(started.headers.location);
    const first = await call('PATCH', at, {
      body: 'abc',
      headers: { ...push, 'content-range': '0-2' },
    });
    expect([first.status, first.headers.range]).to.deep.equal([202, '0-2']);
    const status = await call('GET', at);
    expect([status.status, status.headers.range]).to.deep.equal([204, '0-2']);
    const gap = await call('PATCH', at, {
      body: 'x',
      headers: { ...push, 'content-range': '5-5' },
    });
    expect([gap.status, gap.headers.range]).to.deep.equal([416, '0-2']);
    expect((await call('PATCH', at, { body: 'def' })).headers.range).to.equal('0-5');
    const digest = sha256('abcdefg');
    const ended = await call('PUT', `${at}?digest=${encodeURIComponent(digest)}`, { body: 'g' });
    expect(ended.status).to.equal(201);
    expect((await call('GET', `/v2/alice/app/blobs/${digest}`)).body.toString()).to.equal(
      'abcdefg',
    );
    expect((await call('GET', at)).code).to.equal('BLOB_UPLOAD_UNKNOWN');

    const other = String((await call('POST', '/v2/alice/app/blobs/uploads/')).headers.location);
    expect((await call('DELETE', other)).status).to.equal(204);
    expect((await call('PATCH', other, { body: 'x' })).code).to.equal('BLOB_UPLOAD_UNKNOWN');
  });

  it('keeps nothing that has another digest than was said', async () => {
    const digest = sha256('right');
    const path = `/v2/alice/app/blobs/uploads/?digest=${digest}`;
    expect((await call('POST', path, { body: 'wrong' })).code).to.equal('DIGEST_INVALID');
    const at = String((await call('POST', '/v2/alice/app/blobs/uploads/')).headers.location);
    const put = await call('PUT', `${at}?digest=${digest}`, { body: 'wrong' });
    expect(put.code).to.equal('DIGEST_INVALID');
    expect((await call('GET', `/v2/alice/app/blobs/${digest}`)).code).to.equal('BLOB_UNKNOWN');
    expect((await call('GET', at)).code).to.equal('BLOB_UPLOAD_UNKNOWN');
    expect(await readdir(join(folder.path, 'tmp'))).to.deep.equal([]);
  });

  it('does not let another repository go on with an upload', async () => {
    const at = String((await call('POST', '/v2/alice/app/blobs/uploads/')).headers.location);
    const other = at.replace('alice/app', 'bob/app');
    expect((await call('PATCH', other, { body: 'x' })).code).to.equal('BLOB_UPLOAD_UNKNOWN');
    expect((await call('DELETE', at)).status).to.equal(204);
  });

  it('keeps what came before an interruption', async () => {
    const at = String((await call('POST', '/v2/alice/app/blobs/uploads/')).headers.location);
    const options = { host: '127.0.0.1', port, method: 'PATCH', path: at, agent: false };
    const broken = request({ ...options, headers: { ...push, 'content-length': '100' } });
    broken.on('error', () => {});
    broken.write('abc');
    await eventually(async () => expect((await call('GET', at)).headers.range).to.equal('0-2'));
    broken.destroy();
    const digest = sha256('abcdef');
    await eventually(async () => {
      const answer = await call('PATCH', at, {
        body: 'def',
        headers: { ...push, 'content-range': '3-5' },
      });
      expect(answer.status).to.equal(202);
    });
    expect((await call('PUT', `${at}?digest=${digest}`)).status).to.equal(201);
  });

  it('mounts a blob of another repository without a copy', async () => {
    const data = randomBytes(100_000);
    const digest = await blob('alice/from', data);
    const mount = (from: string) =>
      call('POST', `/v2/alice/to/blobs/uploads/?mount=${digest}&from=${from}`);
    expect((await mount('alice/never')).status).to.equal(202);
    expect((await mount('../alice/from')).status).to.equal(202);
    expect((await mount('alice/from')).status).to.equal(201);
    const file = join(folder.path, 'repositories/alice/to/_blobs', digest.slice(7));
    expect((await stat(file)).nlink).to.equal(2);
    expect((await call('DELETE', `/v2/alice/from/blobs/${digest}`)).status).to.equal(202);
    expect((await call('GET', `/v2/alice/from/blobs/${digest}`)).status).to.equal(404);
    expect((await call('GET', `/v2/alice/to/blobs/${digest}`)).body.equals(data)).to.equal(true);
  });

  it('does not show a blob of another repository', async () => {
    const digest = await blob('alice/private', 'mine');
    expect((await call('GET', `/v2/bob/app/blobs/${digest}`)).code).to.equal('BLOB_UNKNOWN');
    const config = await blob('bob/app', '{}');
    const answer = await putManifest('/v2/bob/app/manifests/x', manifest(config, [digest]));
    expect(answer.code).to.equal('MANIFEST_BLOB_UNKNOWN');
  });

  it('refuses manifests that are none', async () => {
    const config = await blob('alice/app', '{}');
    const absent = sha256('absent');
    const good = manifest(config);
    const rows: [string, string, string, string][] = [
      ['no JSON', 'nonsense', manifestType, 'MANIFEST_INVALID'],
      ['an array', '[]', manifestType, 'MANIFEST_INVALID'],
      ['schema 1', good.replace(':2', ':1'), manifestType, 'MANIFEST_INVALID'],
      ['a web page', good, 'text/html', 'MANIFEST_INVALID'],
      ['no type', good, '', 'MANIFEST_INVALID'],
      [
        'another type inside',
        good,
        'application/vnd.docker.distribution.manifest.v2+json',
        'MANIFEST_INVALID',
      ],
      [
        'an image as an index',
        good.replace(manifestType, indexType),
        indexType,
        'MANIFEST_INVALID',
      ],
      [
        'no config',
        JSON.stringify({ schemaVersion: 2, layers: [] }),
        manifestType,
        'MANIFEST_INVALID',
      ],
      ['a bad digest', manifest('sha256:../../../../etc/passwd'), manifestType, 'MANIFEST_INVALID'],
      ['an absent config', manifest(absent), manifestType, 'MANIFEST_BLOB_UNKNOWN'],
      ['an absent layer', manifest(config, [absent]), manifestType, 'MANIFEST_BLOB_UNKNOWN'],
      ['too much', `${good}${' '.repeat(4 * 1024 * 1024)}`, manifestType, 'SIZE_INVALID'],
    ];
    for (const [what, body, type, code] of rows) {
      const answer = await putManifest('/v2/alice/app/manifests/bad', body, type);
      expect(answer.code, what).to.equal(code);
    }
    expect((await call('GET', '/v2/alice/app/manifests/bad')).code).to.equal('MANIFEST_UNKNOWN');
    const other = await putManifest(`/v2/alice/app/manifests/${absent}`, good);
    expect(other.code).to.equal('DIGEST_INVALID');
  });

  it('takes an index of what it has, also of blobs (a build cache), and layers that lie elsewhere', async () => {
    const config = await blob('alice/multi', '{}');
    const text = manifest(config);
    await putManifest('/v2/alice/multi/manifests/one', text);
    const index = (digests: string[]) =>
      JSON.stringify({
        schemaVersion: 2,
        manifests: digests.map((digest) => ({ mediaType: manifestType, digest, size: 1 })),
      });
    const path = '/v2/alice/multi/manifests/all';
    expect((await putManifest(path, index([sha256(text), config]), indexType)).status).to.equal(
      201,
    );
    const missing = await putManifest(path, index([sha256('absent')]), indexType);
    expect(missing.code).to.equal('MANIFEST_BLOB_UNKNOWN');
    const foreign = JSON.parse(manifest(config, [sha256('foreign')]));
    foreign.layers[0].urls = ['https://example.com/layer'];
    const put = await putManifest('/v2/alice/multi/manifests/foreign', JSON.stringify(foreign));
    expect(put.status).to.equal(201);
  });

  it('deletes a tag alone, or a manifest with its tags', async () => {
    const config = await blob('alice/del', '{}');
    const text = manifest(config);
    for (const tag of ['a', 'b', 'c']) await putManifest(`/v2/alice/del/manifests/${tag}`, text);
    const tags = async () =>
      JSON.parse((await call('GET', '/v2/alice/del/tags/list')).body.toString()).tags;
    expect((await call('DELETE', '/v2/alice/del/manifests/a')).status).to.equal(202);
    expect(await tags()).to.deep.equal(['b', 'c']);
    expect((await call('GET', `/v2/alice/del/manifests/${sha256(text)}`)).status).to.equal(200);
    expect((await call('DELETE', `/v2/alice/del/manifests/${sha256(text)}`)).status).to.equal(202);
    expect(await tags()).to.deep.equal([]);
    expect((await call('DELETE', '/v2/alice/del/manifests/b')).code).to.equal('MANIFEST_UNKNOWN');
  });

  it('lists tags and repositories page by page', async () => {
    const config = await blob('alice/list', '{}');
    for (const tag of ['v10', 'v1', 'V1', 'latest']) {
      await putManifest(`/v2/alice/list/manifests/${tag}`, manifest(config));
    }
    const page = async (path: string) => {
      const answer = await call('GET', path, { headers: {} });
      return [JSON.parse(answer.body.toString()), answer.headers.link] as const;
    };
    const all = { name: 'alice/list', tags: ['V1', 'latest', 'v1', 'v10'] };
    expect(await page('/v2/alice/list/tags/list')).to.deep.equal([all, undefined]);
    const [first, link] = await page('/v2/alice/list/tags/list?n=3');
    expect(first.tags).to.deep.equal(['V1', 'latest', 'v1']);
    const next = /^<(.+)>; rel="next"$/.exec(String(link))?.[1] ?? '';
    expect((await page(next))[0].tags).to.deep.equal(['v10']);
    expect((await call('GET', '/v2/alice/never/tags/list')).code).to.equal('NAME_UNKNOWN');
    const [{ repositories }] = await page('/v2/_catalog');
    expect(repositories).to.include.members(['alice/app', 'alice/list']).and.not.include('bob/app');
  });

  it('knows what refers to a manifest', async () => {
    const config = await blob('alice/refer', '{}');
    const text = manifest(config);
    const subject = { mediaType: manifestType, digest: sha256(text), size: text.length };
    const sbom = manifest(config, [], { subject, artifactType: 'x/sbom', annotations: { a: 'b' } });
    const put = await putManifest(`/v2/alice/refer/manifests/${sha256(sbom)}`, sbom);
    expect(put.headers['oci-subject']).to.equal(sha256(text));
    await putManifest('/v2/alice/refer/manifests/v1', text);
    const path = `/v2/alice/refer/referrers/${sha256(text)}`;
    const list = async (query = '') =>
      JSON.parse((await call('GET', path + query)).body.toString());
    const entry = { mediaType: manifestType, digest: sha256(sbom), size: sbom.length };
    expect((await list()).manifests).to.deep.equal([
      { ...entry, artifactType: 'x/sbom', annotations: { a: 'b' } },
    ]);
    expect((await list('?artifactType=x/other')).manifests).to.deep.equal([]);
    await call('DELETE', `/v2/alice/refer/manifests/${sha256(sbom)}`);
    expect((await list()).manifests).to.deep.equal([]);
  });

  it('refuses paths that lead elsewhere', async () => {
    const digest = sha256('x');
    const rows: [string, string][] = [
      ['/v2/../../etc/blobs/x', 'NAME_INVALID'],
      ['/v2/alice/%2e%2e/bob/manifests/v1', 'NAME_INVALID'],
      ['/v2/alice/_blobs/manifests/v1', 'NAME_INVALID'],
      ['/v2/ALICE/app/manifests/v1', 'NAME_INVALID'],
      ['/v2/alice//app/manifests/v1', 'NAME_INVALID'],
      [`/v2/${'a'.repeat(256)}/manifests/v1`, 'NAME_INVALID'],
      ['/v2/alice/app/manifests/..', 'MANIFEST_UNKNOWN'],
      ['/v2/alice/app/manifests/%2e%2e%2f%2e%2e', 'NAME_UNKNOWN'],
      ['/v2/alice/app/blobs/sha256:..', 'DIGEST_INVALID'],
      [`/v2/alice/app/blobs/${digest.toUpperCase()}`, 'DIGEST_INVALID'],
      [`/v2/alice/app/blobs/${digest}%00`, 'DIGEST_INVALID'],
      ['/v2/%zz/manifests/v1', 'NAME_INVALID'],
      ['/v2/nothing', 'NAME_UNKNOWN'],
      ['/v3/', 'NAME_UNKNOWN'],
    ];
    for (const [path, code] of rows) {
      const answer = await call('GET', path);
      expect(answer.code, path).to.equal(code);
      expect(answer.status, path).to.be.within(400, 404);
    }
    const tag = await putManifest('/v2/alice/app/manifests/-bad', '{}');
    expect(tag.code).to.equal('DIGEST_INVALID');
    const method = await call('POST', '/v2/alice/app/manifests/v1');
    expect([method.status, method.code]).to.deep.equal([405, 'UNSUPPORTED']);
    expect((await call('toString', '/v2/')).status).to.equal(400); // not HTTP
  });

  it('keeps images over a restart, and clears unfinished uploads away', async () => {
    await call('POST', '/v2/alice/app/blobs/uploads/');
    expect(await readdir(join(folder.path, 'tmp'))).to.have.length.above(0);
    await registry.close();
    registry = await createRegistry({
      folder: folder.path,
      log: createLogger(),
      authorizePush: () => false,
    });
    expect(await readdir(join(folder.path, 'tmp'))).to.deep.equal([]);
    expect((await call('GET', '/v2/alice/app/manifests/v1')).status).to.equal(200);
  });
});
