import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { createLogger } from '#shared/log.ts';
import { createJson, getJson, putJson } from '#shared/object-store/json.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createS3Server, type S3Server } from '../../../local/object-store/s3-server.ts';
import { objectStoreContract } from '../../helpers/object-store-contract.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const region = 'us-east-1';
const accessKey = 'test-access';
const secretKey = 'very-secret-key';

objectStoreContract('createS3ObjectStore on our own server', async () => {
  const folder = await tempDir();
  const identity = { accessKey, secretKey, region };
  const server = await createS3Server({ ...identity, folder: folder.path, log: createLogger() });
  const stop = async () => {
    await server.close();
    await folder.remove();
  };
  return { ...identity, url: server.url, stop };
});

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
