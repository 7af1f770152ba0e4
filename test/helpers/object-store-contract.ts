import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import type { S3UnderTest } from './s3-conformance.ts';

/** What the platform relies on, through its own adapter, on whatever S3 store it is given. */
export function objectStoreContract(title: string, start: () => Promise<S3UnderTest>): void {
  describe(title, function () {
    this.timeout(60_000);
    let server: S3UnderTest;
    let store: ObjectStore;

    /** On a bucket that nobody has made. */
    const fresh = (secretKey = server.secretKey): ObjectStore => {
      const { url: endpoint, region, accessKey } = server;
      const bucket = `contract-${randomUUID()}`;
      return createS3ObjectStore({ endpoint, region, bucket, accessKey, secretKey });
    };
    const failure = async (run: Promise<unknown>): Promise<CloudError> => {
      try {
        await run;
      } catch (error) {
        if (error instanceof CloudError) return error;
        throw error;
      }
      throw new Error('It should have failed.');
    };

    before(async function () {
      this.timeout(120_000);
      server = await start();
    });
    beforeEach(() => {
      store = fresh();
    });
    after(() => server.stop());

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
        const other = fresh();
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
      for (let at = 0; at < keys.length; at += 100) {
        await Promise.all(keys.slice(at, at + 100).map((key) => store.put(key, '')));
      }
      expect(await store.list('l/')).to.deep.equal(keys);
      expect(await store.list('l/', { limit: 3 })).to.deep.equal(keys.slice(0, 3));
      expect(await store.list('l/', { limit: 0 })).to.deep.equal([]);
      const [, second = ''] = keys;
      expect(await store.list('l/', { after: second })).to.deep.equal(keys.slice(2));
      expect(await store.list('l/', { after: `${second}\u0001`, limit: 1 })).to.deep.equal(
        keys.slice(2, 3),
      );
      expect(await store.list('l/000')).to.have.length(10);
    });

    it('lists folders, each once and in order, over all pages', async function () {
      this.timeout(180_000);
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

    it('refuses who does not have the key', async () => {
      expect((await failure(fresh('wrong').put('a', 'x'))).code).to.equal('OFC_CONFIG');
    });
  });
}
