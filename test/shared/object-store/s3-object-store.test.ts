import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { createLogger } from '#shared/log.ts';
import { createJson, getJson, putJson } from '#shared/object-store/json.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createS3Server, type S3Server } from '../../../local/object-store/s3-server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const region = 'us-east-1';
const accessKey = 'test-access';
const secretKey = 'very-secret-key';

describe('createS3ObjectStore', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let server: S3Server;
  let endpoint: string;
  let store: ObjectStore;
  let buckets = 0;
  const fakes: Server[] = [];

  before(async () => {
    folder = await tempDir();
    const log = createLogger();
    server = await createS3Server({ folder: folder.path, accessKey, secretKey, region, log });
    endpoint = server.url;
  });

  beforeEach(() => {
    const bucket = `adapter-${buckets++}`; // always a bucket that nobody has made
    store = createS3ObjectStore({ endpoint, region, bucket, accessKey, secretKey });
  });

  after(async () => {
    await server.close();
    await folder.remove();
    for (const fake of fakes) {
      fake.closeAllConnections();
      fake.close();
    }
  });

  /** A store that answers as the test wants. */
  async function fakeStore(listener: RequestListener): Promise<ObjectStore> {
    const fake = createServer(listener).listen(0, '127.0.0.1');
    fakes.push(fake);
    await once(fake, 'listening');
    const url = `http://127.0.0.1:${(fake.address() as AddressInfo).port}`;
    return createS3ObjectStore({ endpoint: url, region, bucket: 'b', accessKey, secretKey });
  }

  async function failure(run: Promise<unknown>): Promise<CloudError> {
    try {
      await run;
    } catch (error) {
      if (error instanceof CloudError) return error;
      throw error;
    }
    throw new Error('It should have failed.');
  }

  it('finds nothing where there is no bucket yet', async () => {
    expect(await store.get('a')).to.equal(undefined);
    expect(await store.getStream('a')).to.equal(undefined);
    expect(await store.exists('a')).to.equal(false);
    expect(await store.list('')).to.deep.equal([]);
    await store.delete('a');
  });

  it('makes the bucket with the first put, create or stream', async () => {
    await store.put('a/b', 'text', { contentType: 'text/plain' });
    expect((await store.get('a/b'))?.toString()).to.equal('text');
    for (const write of [
      (other: ObjectStore) => other.create('k', 'x'),
      (other: ObjectStore) => other.putStream('k', Readable.from(['x']), 1),
    ]) {
      const bucket = `adapter-first-${buckets++}`;
      const other = createS3ObjectStore({ endpoint, region, bucket, accessKey, secretKey });
      await write(other);
      expect((await other.get('k'))?.toString()).to.equal('x');
    }
  });

  it('creates once, whoever is first', async () => {
    const results = await Promise.all([1, 2, 3, 4, 5].map((i) => store.create('once', `${i}`)));
    expect(results.filter((won) => won)).to.have.length(1);
    const winner = results.indexOf(true) + 1;
    expect((await store.get('once'))?.toString()).to.equal(`${winner}`);
    expect(await store.create('once', 'late')).to.equal(false);
    await store.delete('once');
    expect(await store.create('once', 'again')).to.equal(true);
  });

  it('knows its own write when the answer to it was lost', async () => {
    let puts = 0;
    let writer = '';
    const lossy = await fakeStore((request, response) => {
      request.resume().on('end', () => {
        if (request.method === 'HEAD') response.setHeader('x-amz-meta-writer', writer).end();
        else if (puts++ > 0) response.writeHead(412).end();
        else {
          writer = String(request.headers['x-amz-meta-writer']);
          request.socket.destroy();
        }
      });
    });
    expect(await lossy.create('k', 'x')).to.equal(true);
    writer = 'somebody else';
    expect(await lossy.create('k', 'x')).to.equal(false);
  });

  it('streams in and out', async () => {
    const data = randomBytes(2_000_000);
    const parts = [data.subarray(0, 1), data.subarray(1, 900_000), data.subarray(900_000)];
    await store.putStream('big', Readable.from(parts), data.length);
    const found = await store.getStream('big');
    expect(found?.size).to.equal(data.length);
    expect(found && (await buffer(found.body)).equals(data)).to.equal(true);
    await store.putStream('empty', Readable.from([]), 0);
    expect(await store.get('empty')).to.have.length(0);
  });

  it('refuses a stream that is not as long as it was said, and keeps nothing', async () => {
    await store.put('other', 'x');
    for (const size of [2, 4]) {
      const error = await failure(store.putStream('wrong', Readable.from(['abc']), size));
      expect(error.code).to.equal('OFC_INTERNAL');
      expect(await store.exists('wrong')).to.equal(false);
    }
    expect((await store.get('other'))?.toString()).to.equal('x');
  });

  it('passes on the failure of a stream', async () => {
    const broken = new Readable({
      read() {
        this.destroy(new CloudError('OFC_TOO_LARGE', 'Too much.'));
      },
    });
    expect((await failure(store.putStream('broken', broken, 5))).code).to.equal('OFC_TOO_LARGE');
  });

  it('lists all pages in order, or as many as asked', async () => {
    const keys = Array.from({ length: 1205 }, (_, i) => `l/${String(i).padStart(4, '0')}`);
    await store.put('l/0000', '');
    const files = join(folder.path, `buckets/adapter-${buckets - 1}/l+`);
    for (const key of keys.slice(1)) {
      copyFileSync(join(files, '0000='), join(files, `${key.slice(2)}=`));
    }
    expect(await store.list('l/')).to.deep.equal(keys);
    expect(await store.list('l/', { limit: 3 })).to.deep.equal(keys.slice(0, 3));
    expect(await store.list('l/', { limit: 0 })).to.deep.equal([]);
    expect(await store.list('l/000')).to.have.length(10);
  });

  it('lists folders, each once and in order, over all pages', async () => {
    const names = Array.from({ length: 1003 }, (_, index) => String(index).padStart(4, '0'));
    for (let at = 0; at < names.length; at += 20) {
      await Promise.all(names.slice(at, at + 20).map((name) => store.put(`f/${name}/a`, '')));
    }
    await store.put('f/0001/b/c', '');
    await store.put('f/file', '');
    expect(await store.folders('f/')).to.deep.equal(names);
    expect(await store.folders('f/0001/')).to.deep.equal(['b']);
    expect(await store.folders('none/')).to.deep.equal([]);
  });

  it('lists keys that XML cannot carry', async () => {
    const keys = ['x/ +%2B&<>"', 'x/\u0001\r\n', 'x/ü😀'];
    for (const key of keys) await store.put(key, key);
    expect(await store.list('x/')).to.have.members(keys);
  });

  it('says that the credentials are wrong, and never what they are', async () => {
    for (const [access, secret] of [
      [accessKey, 'wrong-secret'],
      ['wrong-access', secretKey],
    ] as const) {
      const config = { endpoint, region, bucket: 'any', accessKey: access, secretKey: secret };
      const wrong = createS3ObjectStore(config);
      for (const run of [
        () => wrong.get('k'),
        () => wrong.put('k', ''),
        () => wrong.create('k', ''),
        () => wrong.list(''),
      ]) {
        const error = await failure(run());
        expect(error.code, error.message).to.equal('OFC_CONFIG');
        expect(error.text).to.include('s3-secret-key').and.include(endpoint);
        expect(error.text).not.to.include(secret).and.not.to.include(access);
      }
    }
    for (const wrong of [{ region: 'mars' }, { bucket: 'B' }]) {
      const config = { endpoint, region, bucket: 'any', accessKey, secretKey, ...wrong };
      expect((await failure(createS3ObjectStore(config).get('k'))).code).to.equal('OFC_CONFIG');
    }
  });

  it('says that the store cannot be reached, or that it fails', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    await new Promise((resolve) => nobody.close(resolve));
    const config = {
      endpoint: `http://127.0.0.1:${port}`,
      region,
      bucket: 'b',
      accessKey,
      secretKey,
    };
    const unreachable = await failure(createS3ObjectStore(config).get('k'));
    expect(unreachable.code).to.equal('OFC_UPSTREAM');
    expect(unreachable.message).to.include('ECONNREFUSED');

    let tries = 0;
    const failing = await fakeStore((_, response) => {
      tries++;
      response.writeHead(503).end();
    });
    const error = await failure(failing.exists('secret-key-name'));
    expect(error.code).to.equal('OFC_UPSTREAM');
    expect(error.message).to.include('503').and.not.to.include('secret-key-name');
    expect(tries).to.equal(3);
  });

  it('reports a body that breaks off', async () => {
    const cut = await fakeStore((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('abc', () => response.destroy());
    });
    expect((await failure(cut.get('k'))).code).to.equal('OFC_UPSTREAM');
  });

  describe('JSON records', () => {
    const schema = v.object({ n: v.number() });

    it('are written, created once and read', async () => {
      expect(await getJson(store, 'r', schema)).to.equal(undefined);
      await putJson(store, 'r', { n: 1 });
      expect(await getJson(store, 'r', schema)).to.deep.equal({ n: 1 });
      expect(await createJson(store, 'r', { n: 2 })).to.equal(false);
      expect(await createJson(store, 's', { n: 2 })).to.equal(true);
    });

    it('are refused if they do not fit', async () => {
      for (const text of ['', '{', '{"n":"1"}', 'null']) {
        await store.put('r', text);
        const error = await failure(getJson(store, 'r', schema));
        expect(error.code).to.equal('OFC_INTERNAL');
        expect(error.message).to.include('record r');
      }
    });
  });
});
