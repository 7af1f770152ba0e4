import { createLogger } from '#shared/log.ts';
import { createS3Server } from '../../../local/object-store/s3-server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { type RawRequest, sendRaw } from './raw-request.ts';

/** Whose requests the server of these tests takes. */
export const identity = { accessKey: 'test-access', secretKey: 'test-secret', region: 'us-east-1' };

/** An S3 server with one bucket, `bucket`. */
export interface BucketServer {
  readonly folder: string;
  /** Another one after each restart. */
  url(): string;
  read(path: string): Promise<string>;
  restart(between: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Starts a {@link BucketServer} in a folder of its own. */
export async function startBucketServer(): Promise<BucketServer> {
  const folder = await tempDir();
  const start = () => createS3Server({ folder: folder.path, ...identity, log: createLogger() });
  let server = await start();
  const { status } = await sendRaw(server.url, { method: 'PUT', path: '/bucket' });
  if (status !== 200) throw new Error(`The bucket was answered with ${status}.`);
  return {
    folder: folder.path,
    url: () => server.url,
    read: async (path) => (await sendRaw(server.url, get(path))).body,
    async restart(between) {
      await server.close();
      await between();
      server = await start();
    },
    async close() {
      await server.close();
      await folder.remove();
    },
  };
}

/** Requests that are not sent yet. */
export const put = (path: string, body: string): RawRequest => ({ method: 'PUT', path, body });
export const get = (path: string): RawRequest => ({ method: 'GET', path });
