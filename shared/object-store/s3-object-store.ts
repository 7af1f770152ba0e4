import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer as readAll } from 'node:stream/consumers';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { CloudError } from '#shared/errors.ts';
import { exactSize } from './exact-size.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { isMissingBucket, s3Error, s3Status } from './s3-errors.ts';

/** Where the store is, and how to log in to it. */
export interface S3Config {
  /** Base URL, such as `http://127.0.0.1:9000`; buckets are addressed by path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const connectionTimeout = 3_000;
const idleTimeout = 30_000;

/**
 * An {@link ObjectStore} on any store that speaks the S3 API, with nothing demanded of it but
 * Signature V4 and `If-None-Match: *`. The bucket is made when the first write misses it. Requests
 * are tried three times by the SDK, a `putStream` once.
 */
export function createS3ObjectStore(config: S3Config): ObjectStore {
  const { bucket: Bucket, endpoint } = config;
  const client = new S3Client({
    endpoint,
    region: config.region,
    forcePathStyle: true,
    credentials: { accessKeyId: config.accessKey, secretAccessKey: config.secretKey },
    // Third-party stores lack the trailing checksums that the SDK sends by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    logger: silent, // what goes wrong is raised, with more to it than the SDK prints
    requestHandler: {
      connectionTimeout,
      socketTimeout: idleTimeout,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
  });

  async function attempt<T>(operation: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw s3Error(error, operation, endpoint);
    }
  }

  async function ifPresent<T>(run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (s3Status(error) === 404) return undefined;
      throw error;
    }
  }

  async function createBucket(): Promise<void> {
    try {
      await client.send(new CreateBucketCommand({ Bucket }));
    } catch (error) {
      if (s3Status(error) !== 409) throw error; // somebody else made it
    }
  }

  let bucketSeen: Promise<unknown> | undefined;
  /** For streams, which cannot be sent again once the store has said that the bucket is missing. */
  function ensureBucket(): Promise<unknown> {
    bucketSeen ??= ifPresent(() => client.send(new HeadBucketCommand({ Bucket })))
      .then((found) => (found === undefined ? createBucket() : undefined))
      .catch((error: unknown) => {
        bucketSeen = undefined;
        throw error;
      });
    return bucketSeen;
  }

  async function send(input: Omit<PutObjectCommandInput, 'Bucket'>): Promise<void> {
    const command = () => client.send(new PutObjectCommand({ Bucket, ...input }));
    try {
      await command();
    } catch (error) {
      if (!isMissingBucket(error)) throw error;
      await createBucket();
      await command();
    }
  }

  async function open(key: string): Promise<StoredObject | undefined> {
    const answer = await ifPresent(() => client.send(new GetObjectCommand({ Bucket, Key: key })));
    if (answer === undefined) return undefined;
    if (!(answer.Body instanceof Readable) || answer.ContentLength === undefined) {
      throw new CloudError('OFC_UPSTREAM', `The object store at ${endpoint} sent no body length.`);
    }
    return { body: answer.Body, size: answer.ContentLength };
  }

  /** Pages of a listing, of up to `limit` entries in all. */
  async function* pages(
    prefix: string,
    limit: number,
    delimiter?: string,
    StartAfter?: string,
  ): AsyncGenerator<ListObjectsV2CommandOutput> {
    let left = limit;
    let ContinuationToken: string | undefined;
    while (left > 0) {
      const page = await ifPresent(() =>
        client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            MaxKeys: Math.min(1000, left),
            EncodingType: 'url', // XML cannot carry every key
            ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
            ...(StartAfter === undefined ? {} : { StartAfter }),
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        ),
      );
      if (page === undefined) return;
      yield page;
      left -= page.KeyCount ?? page.Contents?.length ?? 0;
      ContinuationToken = page.NextContinuationToken;
      if (ContinuationToken === undefined) return;
    }
  }

  return {
    get: (key) =>
      attempt('read an object', async () => {
        const found = await open(key);
        if (found === undefined) return undefined;
        return readAll(found.body);
      }),

    getStream: (key) => attempt('read an object', () => open(key)),

    put: (key, body, options = {}) =>
      attempt('write an object', () => send({ Key: key, ...bytes(body), ...type(options) })),

    putStream: (key, body, size) =>
      attempt('write an object', async () => {
        const checked = Readable.from(exactSize(body, size), { objectMode: false });
        const abort = new AbortController();
        checked.on('error', () => abort.abort()); // the SDK does not listen
        try {
          await ensureBucket();
          const input = { Bucket, Key: key, Body: checked, ContentLength: size };
          await client.send(new PutObjectCommand(input), { abortSignal: abort.signal });
        } catch (error) {
          throw checked.errored ?? error;
        } finally {
          body.destroy();
        }
      }),

    create: (key, body, options = {}) =>
      attempt('create an object', async () => {
        const writer = randomUUID();
        try {
          await send({
            Key: key,
            ...bytes(body),
            ...type(options),
            IfNoneMatch: '*',
            Metadata: { writer },
          });
          return true;
        } catch (error) {
          const lost = s3Status(error) === 412;
          if (!lost && s3Status(error) !== 409) throw error;
          if (
            lost &&
            error instanceof S3ServiceException &&
            (error.$metadata.attempts ?? 1) === 1
          ) {
            return false;
          }
          // A repeated attempt may have lost against our own first one, whose answer went missing.
          const there = await ifPresent(() =>
            client.send(new HeadObjectCommand({ Bucket, Key: key })),
          );
          if (there === undefined) throw error;
          return there.Metadata?.['writer'] === writer;
        }
      }),

    exists: (key) =>
      attempt('look for an object', async () => {
        const found = await ifPresent(() =>
          client.send(new HeadObjectCommand({ Bucket, Key: key })),
        );
        return found !== undefined;
      }),

    list: (prefix, { limit = Number.POSITIVE_INFINITY, after } = {}) =>
      attempt('list objects', async () => {
        const keys: string[] = [];
        for await (const page of pages(prefix, limit, undefined, after)) {
          for (const { Key } of page.Contents ?? []) {
            if (Key !== undefined) keys.push(decodeKey(Key));
          }
        }
        return keys;
      }),

    listOlder: (prefix, before, { limit }) =>
      attempt('list objects', async () => {
        const keys: string[] = [];
        for await (const page of pages(prefix, Number.POSITIVE_INFINITY)) {
          for (const { Key, LastModified } of page.Contents ?? []) {
            if (keys.length >= limit) return keys;
            if (Key !== undefined && LastModified !== undefined && LastModified < before) {
              keys.push(decodeKey(Key));
            }
          }
        }
        return keys;
      }),

    folders: (prefix) =>
      attempt('list objects', async () => {
        const names: string[] = [];
        for await (const page of pages(prefix, Number.POSITIVE_INFINITY, '/')) {
          for (const { Prefix } of page.CommonPrefixes ?? []) {
            if (Prefix !== undefined) names.push(decodeKey(Prefix).slice(prefix.length, -1));
          }
        }
        return names;
      }),

    delete: (key) =>
      attempt('delete an object', async () => {
        await ifPresent(() => client.send(new DeleteObjectCommand({ Bucket, Key: key })));
      }),
  };
}

function bytes(body: Buffer | string): { Body: Buffer; ContentLength: number } {
  const Body = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  return { Body, ContentLength: Body.length };
}

function type({ contentType }: { contentType?: string }): { ContentType?: string } {
  return contentType === undefined ? {} : { ContentType: contentType };
}

function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '));
}
