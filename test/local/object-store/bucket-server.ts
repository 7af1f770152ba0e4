import { createLogger } from '#shared/log.ts';
import { createS3Server, type S3Server } from '../../../local/object-store/s3-server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { type RawRequest, sendRaw } from './raw-request.ts';

/** Whose requests the server of these tests takes. */
export const identity = { accessKey: 'test-access', secretKey: 'test-secret', region: 'us-east-1' };

/** An S3 server with one bucket, `bucket`, and the object `right` in it. */
export interface BucketServer {
  folder(): string;
  /** Another one after each restart. */
  url(): string;
  read(path: string): Promise<string>;
  restart(between: () => Promise<void>): Promise<void>;
}

/** Starts a {@link BucketServer} in a folder of its own before the tests of a suite, and ends it after them. */
export function bucketServer(): BucketServer {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let server: S3Server;
  const start = () => createS3Server({ folder: folder.path, ...identity, log: createLogger() });
  before(async () => {
    folder = await tempDir();
    server = await start();
    for (const raw of [put('/bucket', ''), put('/bucket/right', 'right')]) {
      const { status } = await sendRaw(server.url, raw);
      if (status !== 200) throw new Error(`${raw.path} was answered with ${status}.`);
    }
  });
  after(async () => {
    await server.close();
    await folder.remove();
  });
  return {
    folder: () => folder.path,
    url: () => server.url,
    read: async (path) => (await sendRaw(server.url, get(path))).body,
    async restart(between) {
      await server.close();
      await between();
      server = await start();
    },
  };
}

/** Requests that are not sent yet. */
export const put = (path: string, body: string): RawRequest => ({ method: 'PUT', path, body });
export const get = (path: string): RawRequest => ({ method: 'GET', path });
