import { createLogger } from '#shared/log.ts';
import { createS3Server } from '../../../local/object-store/s3-server.ts';
import { s3Conformance } from '../../helpers/s3-conformance.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

// With S3_TEST_ENDPOINT (and _REGION, _ACCESS_KEY, _SECRET_KEY) the same suite runs against any store.
const { env } = process;
const endpoint = env['S3_TEST_ENDPOINT'];
const region = env['S3_TEST_REGION'] ?? 'us-east-1';
const accessKey = env['S3_TEST_ACCESS_KEY'] ?? 'test-access';
const secretKey = env['S3_TEST_SECRET_KEY'] ?? 'test-secret';

s3Conformance(
  `S3 conformance with the SDK’s default settings (${endpoint ?? 'our server'})`,
  async () => {
    const identity = { region, accessKey, secretKey };
    if (endpoint !== undefined) return { url: endpoint, ...identity, stop: async () => undefined };
    const folder = await tempDir();
    const server = await createS3Server({ folder: folder.path, ...identity, log: createLogger() });
    const stop = async () => {
      await server.close();
      await folder.remove();
    };
    return { url: server.url, ...identity, stop };
  },
);
