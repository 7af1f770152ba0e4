import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';

/** A store with an S3 API that runs for a suite. */
export interface S3UnderTest {
  readonly url: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

/**
 * What a store may be without: checksums behind the body, which the SDK sends unless told otherwise; the
 * refusal of parts in a wrong order, or after the upload was aborted. The platform needs none of them.
 */
export type S3Lack = 'trailers' | 'part checks' | 'aborted uploads';

/**
 * What the platform, and the tools of operators, expect of an S3 store; with the SDK's default settings
 * unless the store lacks what they need.
 */
export function s3Conformance(
  title: string,
  start: () => Promise<S3UnderTest>,
  lacks: readonly S3Lack[] = [],
): void {
  describe(title, () => {
    const Bucket = `conformance-${randomUUID()}`;
    let store: S3UnderTest;
    let client: S3Client;

    before(async function () {
      this.timeout(120_000);
      store = await start();
      client = new S3Client({
        endpoint: store.url,
        region: store.region,
        forcePathStyle: true,
        credentials: { accessKeyId: store.accessKey, secretAccessKey: store.secretKey },
        ...(lacks.includes('trailers')
          ? {
              requestChecksumCalculation: 'WHEN_REQUIRED',
              responseChecksumValidation: 'WHEN_REQUIRED',
            }
          : {}),
      });
      await client.send(new CreateBucketCommand({ Bucket }));
    });

    after(async function () {
      this.timeout(60_000);
      client.destroy();
      await store.stop();
    });

    const put = (Key: string, Body: string | Buffer = Key) =>
      client.send(new PutObjectCommand({ Bucket, Key, Body }));
    const get = async (Key: string) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    };
    const keys = async (
      options: { Prefix?: string; StartAfter?: string; MaxKeys?: number } = {},
    ) => {
      const page = await client.send(new ListObjectsV2Command({ Bucket, ...options }));
      return (page.Contents ?? []).map(({ Key }) => Key);
    };
    const failure = async (run: Promise<unknown>): Promise<[number | undefined, string]> => {
      try {
        await run;
      } catch (error) {
        if (error instanceof S3ServiceException)
          return [error.$metadata.httpStatusCode, error.name];
        throw error;
      }
      throw new Error('It should have failed.');
    };

    it('lists, finds and re-creates buckets', async () => {
      const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
      expect(Buckets.map(({ Name }) => Name)).to.include(Bucket);
      await client.send(new HeadBucketCommand({ Bucket }));
      const missing = await failure(
        client.send(new HeadBucketCommand({ Bucket: 'no-such-bucket' })),
      );
      expect(missing[0]).to.equal(404);
    });

    it('gives back bytes, type, metadata, ETag and checksum', async () => {
      const Body = randomBytes(70_000);
      const answer = await client.send(
        new PutObjectCommand({
          Bucket,
          Key: 'meta/one',
          Body,
          ContentType: 'text/x-test',
          CacheControl: 'no-store',
          Metadata: { writer: 'w 1' },
        }),
      );
      const found = await client.send(new GetObjectCommand({ Bucket, Key: 'meta/one' }));
      expect(Buffer.from((await found.Body?.transformToByteArray()) ?? [])).to.deep.equal(Body);
      expect(found.ContentType).to.equal('text/x-test');
      expect(found.CacheControl).to.equal('no-store');
      expect(found.Metadata).to.deep.equal({ writer: 'w 1' });
      expect(found.ETag).to.equal(`"${createHash('md5').update(Body).digest('hex')}"`);
      expect(found.ETag).to.equal(answer.ETag);
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'meta/one' }));
      expect(head.ContentLength).to.equal(Body.length);
      expect(Math.abs(Date.now() - (head.LastModified?.getTime() ?? 0))).to.be.below(60_000);
    });

    it('stores empty and large objects, and overwrites', async () => {
      await put('sizes/x', Buffer.alloc(0));
      expect(await get('sizes/x')).to.have.length(0);
      const large = randomBytes(3 * 1024 * 1024 + 1);
      await put('sizes/x', large);
      expect((await get('sizes/x')).equals(large)).to.equal(true);
      await put('sizes/x', 'small again');
      expect((await get('sizes/x')).toString()).to.equal('small again');
    });

    const trailers = lacks.includes('trailers') ? it.skip : it;
    const missing = lacks.includes('trailers') ? ' (skipped: this store has no trailers)' : '';
    trailers(`takes a stream in chunks with a checksum in the trailer${missing}`, async () => {
      const data = randomBytes(1_500_000);
      const parts = Array.from({ length: 15 }, (_, i) =>
        data.subarray(i * 100_000, (i + 1) * 100_000),
      );
      const Body = Readable.from(parts, { objectMode: false });
      await client.send(
        new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: data.length }),
      );
      expect((await get('stream')).equals(data)).to.equal(true);
    });

    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
      it(`checks ${ChecksumAlgorithm}`, async () => {
        const Key = `checksum/${ChecksumAlgorithm}`;
        await client.send(
          new PutObjectCommand({ Bucket, Key, Body: 'some text', ChecksumAlgorithm }),
        );
        expect((await get(Key)).toString()).to.equal('some text');
      });
    }

    it('answers ranges', async () => {
      await put('range', '0123456789');
      const part = async (Range: string) => {
        const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'range', Range }));
        return [await answer.Body?.transformToString(), answer.ContentRange];
      };
      expect(await part('bytes=2-4')).to.deep.equal(['234', 'bytes 2-4/10']);
      expect(await part('bytes=7-')).to.deep.equal(['789', 'bytes 7-9/10']);
      expect(await part('bytes=-3')).to.deep.equal(['789', 'bytes 7-9/10']);
      expect(await part('bytes=5-99')).to.deep.equal(['56789', 'bytes 5-9/10']);
      const beyond = new GetObjectCommand({ Bucket, Key: 'range', Range: 'bytes=10-' });
      expect((await failure(client.send(beyond)))[0]).to.equal(416);
    });

    it('answers conditions of a GET', async () => {
      const { ETag } = await put('condition');
      const none = new GetObjectCommand({ Bucket, Key: 'condition', IfNoneMatch: ETag });
      expect((await failure(client.send(none)))[0]).to.equal(304);
      const match = new GetObjectCommand({ Bucket, Key: 'condition', IfMatch: '"other"' });
      expect((await failure(client.send(match)))[0]).to.equal(412);
    });

    it('says what is missing', async () => {
      const one = { Bucket, Key: 'absent' };
      const elsewhere = { Bucket: 'no-such-bucket', Key: 'x' };
      expect(await failure(client.send(new GetObjectCommand(one)))).to.deep.equal([
        404,
        'NoSuchKey',
      ]);
      expect((await failure(client.send(new HeadObjectCommand(one))))[0]).to.equal(404);
      for (const command of [
        new GetObjectCommand(elsewhere),
        new PutObjectCommand({ ...elsewhere, Body: 'x' }),
      ]) {
        const why = await failure(client.send(command as GetObjectCommand));
        expect(why).to.deep.equal([404, 'NoSuchBucket']);
      }
    });

    it('deletes, also what is absent, and many at once', async () => {
      await put('delete/a');
      await client.send(new DeleteObjectCommand({ Bucket, Key: 'delete/a' }));
      await client.send(new DeleteObjectCommand({ Bucket, Key: 'delete/a' }));
      await put('delete/b & <c>');
      await put('delete/d');
      const Objects = ['delete/b & <c>', 'delete/d', 'delete/never'].map((Key) => ({ Key }));
      const answer = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      expect(answer.Deleted).to.have.length(3);
      expect(await keys({ Prefix: 'delete/' })).to.deep.equal([]);
    });

    it('lets exactly one of many conditional writers win', async () => {
      const results = await Promise.all(
        Array.from({ length: 16 }, (_, i) =>
          client
            .send(new PutObjectCommand({ Bucket, Key: 'race/one', Body: `${i}`, IfNoneMatch: '*' }))
            .then(
              () => ({ winner: `${i}`, status: 200 }),
              (error: unknown) => ({
                winner: undefined,
                status: error instanceof S3ServiceException ? error.$metadata.httpStatusCode : 0,
              }),
            ),
        ),
      );
      const winners = results.filter(({ winner }) => winner !== undefined);
      expect(winners).to.have.length(1);
      expect((await get('race/one')).toString()).to.equal(winners[0]?.winner);
      const losers = results.filter(({ winner }) => winner === undefined);
      expect(losers.every(({ status }) => status === 412 || status === 409)).to.equal(true);
      const late = new PutObjectCommand({ Bucket, Key: 'race/one', Body: '', IfNoneMatch: '*' });
      expect((await failure(client.send(late)))[0]).to.equal(412);
    });

    const hostile = [
      'a',
      'a/b',
      'a/b/',
      'a/',
      'a//b',
      '/a',
      '/',
      '.',
      '..',
      '../../../../etc/passwd',
      'x/../y',
      'x/./y',
      'a b+c%20d?e=f&g#h',
      'quote"<>&\'',
      'ünïcode/日本/😀',
      '\ufb01\u{1f600}',
      'back\\slash',
      'c:con.=+~%2F',
      `${'l'.repeat(64)}`,
      `${'l'.repeat(64)}/x`,
      `${'l'.repeat(64)}!`,
      'n'.repeat(1024),
      '%'.repeat(1024),
      `${'s/'.repeat(512)}`,
      'ü'.repeat(512),
    ];

    it('keeps keys of any kind apart, and lists them in the order of their bytes', async () => {
      const prefix = 'k'; // in front, as some stores refuse a leading slash
      const full = hostile.map((key) =>
        `${prefix}${key}`.slice(0, key.length === 1024 ? 1024 : undefined),
      );
      const fits = full.filter((key) => Buffer.byteLength(key) <= 1024);
      for (const key of fits) await put(key, `body of ${key}`);
      for (const key of fits) expect((await get(key)).toString()).to.equal(`body of ${key}`);
      const sorted = fits.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keys({ Prefix: prefix })).to.deep.equal(sorted);
      for (const after of sorted) {
        const rest = sorted.slice(sorted.indexOf(after) + 1);
        expect(await keys({ Prefix: prefix, StartAfter: after })).to.deep.equal(rest);
      }
      for (const Prefix of ['ka', 'ka/', 'ka/b', 'k..', `k${'l'.repeat(70)}`, 'kü', 'k/']) {
        const expected = sorted.filter((key) => key.startsWith(Prefix));
        expect(await keys({ Prefix }), Prefix).to.deep.equal(expected);
      }
      for (const key of fits) await client.send(new DeleteObjectCommand({ Bucket, Key: key }));
      expect(await keys({ Prefix: prefix })).to.deep.equal([]);
    });

    it('lists page by page, with and without a delimiter', async () => {
      const all = ['p/a', 'p/b/1', 'p/b/2', 'p/b-c', 'p/b.d/1', 'p/c', 'p/d/1', 'p/d/2', 'p/e'];
      for (const key of all) await put(key);
      const pages = async (MaxKeys: number, Delimiter?: string) => {
        const found: (string | undefined)[] = [];
        let ContinuationToken: string | undefined;
        do {
          const page = await client.send(
            new ListObjectsV2Command({
              Bucket,
              Prefix: 'p/',
              MaxKeys,
              Delimiter,
              ContinuationToken,
            }),
          );
          const { Contents = [], CommonPrefixes = [] } = page;
          const names = [...Contents.map(({ Key }) => Key), ...CommonPrefixes.map((p) => p.Prefix)];
          expect(names.length).to.equal(page.KeyCount);
          expect(names.length).to.be.within(1, MaxKeys);
          expect(page.IsTruncated).to.equal(page.NextContinuationToken !== undefined);
          found.push(...names);
          ContinuationToken = page.NextContinuationToken;
        } while (ContinuationToken !== undefined);
        return found;
      };
      for (let size = 1; size <= 10; size++) {
        expect((await pages(size)).toSorted()).to.deep.equal(all.toSorted());
        expect((await pages(size, '/')).toSorted()).to.deep.equal(
          ['p/a', 'p/b-c', 'p/b.d/', 'p/b/', 'p/c', 'p/d/', 'p/e'].toSorted(),
        );
        expect((await pages(size, 'b')).toSorted()).to.deep.equal(
          ['p/a', 'p/b', 'p/c', 'p/d/1', 'p/d/2', 'p/e'].toSorted(),
        );
      }
    });

    const upload = async (Key: string, bodies: readonly Buffer[]) => {
      const create = { Bucket, Key, ContentType: 'x/y' };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(create));
      const parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (const PartNumber of [...bodies.keys()].map((index) => index + 1).reverse()) {
        const part = {
          Bucket,
          Key,
          UploadId,
          PartNumber,
          Body: bodies[PartNumber - 1] ?? Buffer.alloc(0),
        };
        const { ETag } = await client.send(new UploadPartCommand(part));
        parts.unshift({ PartNumber, ETag });
      }
      const complete = (Parts: typeof parts) =>
        client.send(
          new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
        );
      return { parts, complete };
    };
    const bodies = [randomBytes(5 * 1024 * 1024), Buffer.from('end')];

    it('joins an upload in parts, whatever the order in which they came', async () => {
      const { parts, complete } = await upload('multi/part', bodies);
      await complete(parts);
      const found = await client.send(new GetObjectCommand({ Bucket, Key: 'multi/part' }));
      expect(found.ContentType).to.equal('x/y');
      expect(found.ETag).to.match(/^"[0-9a-f]{32}-2"$/);
      const body = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
      expect(body.equals(Buffer.concat(bodies))).to.equal(true);
    });

    const strict = lacks.includes('part checks') ? it.skip : it;
    const lax = lacks.includes('part checks') ? ' (skipped: this store takes them)' : '';
    strict(`refuses parts in a wrong order or with a wrong ETag${lax}`, async () => {
      const { parts, complete } = await upload('multi/odd', bodies);
      const [, second] = parts;
      expect((await failure(complete([...parts].reverse())))[1]).to.equal('InvalidPartOrder');
      const odd = [{ PartNumber: 1, ETag: '"x"' }, ...(second === undefined ? [] : [second])];
      expect((await failure(complete(odd)))[1]).to.equal('InvalidPart');
    });

    const aborts = lacks.includes('aborted uploads') ? it.skip : it;
    const forgotten = lacks.includes('aborted uploads') ? ' (skipped: this store takes it)' : '';
    aborts(`refuses a part of an upload that was aborted${forgotten}`, async () => {
      const other = await client.send(
        new CreateMultipartUploadCommand({ Bucket, Key: 'multi/gone' }),
      );
      const gone = { Bucket, Key: 'multi/gone', UploadId: other.UploadId };
      await client.send(new AbortMultipartUploadCommand(gone));
      const late = new UploadPartCommand({ ...gone, PartNumber: 1, Body: 'x' });
      expect(await failure(client.send(late))).to.deep.equal([404, 'NoSuchUpload']);
    });
  });
}
