import * as v from 'valibot';
import { CloudError, errorMessage } from '#shared/errors.ts';
import type { ObjectStore } from './object-store.ts';

const contentType = 'application/json';

/**
 * Reads a JSON record and checks its shape; `undefined` when it is absent.
 *
 * @throws CloudError `OFC_INTERNAL` when the record is not JSON or not of that shape: only we write
 * there, so that is a fault of the platform.
 */
export async function getJson<Schema extends v.GenericSchema>(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | undefined> {
  const body = await store.get(key);
  if (body === undefined) return undefined;
  try {
    return v.parse(schema, JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw new CloudError(
      'OFC_INTERNAL',
      `The record ${key} in the object store cannot be used: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

/** Writes a JSON record over whatever is there. */
export function putJson(
  store: Pick<ObjectStore, 'put'>,
  key: string,
  value: unknown,
): Promise<void> {
  return store.put(key, JSON.stringify(value), { contentType });
}

/** Writes a JSON record unless the key is taken: true = created, false = it was there already. */
export function createJson(
  store: Pick<ObjectStore, 'create'>,
  key: string,
  value: unknown,
): Promise<boolean> {
  return store.create(key, JSON.stringify(value), { contentType });
}
