import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { type PlatformProcess, secretOf } from './platform-process.ts';

/** The object store of a platform that runs with its own, and what is recorded there. */
export async function storeOf(
  platform: PlatformProcess,
): Promise<{ store: ObjectStore; records: Records }> {
  const store = createS3ObjectStore({
    endpoint: `http://127.0.0.1:${await readFile(join(platform.data, 'store-port'), 'utf8')}`,
    region: 'us-east-1',
    bucket: 'pipeline',
    accessKey: await secretOf(platform, 's3-access-key'),
    secretKey: await secretOf(platform, 's3-secret-key'),
  });
  return { store, records: createRecords(store) };
}
