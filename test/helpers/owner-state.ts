import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import { parsePublicKey } from '#shared/sealed-box.ts';
import type { Platform } from '../../local/platform/start-platform.ts';
import { httpGet } from './http-get.ts';
import { sealWithSodium } from './seal-with-sodium.ts';

/** Seals values for an owner with the key that the platform hands out, by libsodium. */
export async function sealFor(
  { port }: Pick<Platform, 'port'>,
  owner: string,
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const url = `http://127.0.0.1:${port}/publickey?owner=${encodeURIComponent(owner)}`;
  const answer = await httpGet(url, { host: `system.localhost:${port}` });
  const bytes = Object.entries(values).map(([name, text]) => [name, Buffer.from(text)]);
  return sealWithSodium(parsePublicKey(answer.text), Object.fromEntries(bytes));
}

/** The names of all secrets of the gateway, as it answers them. */
export async function secretNames({
  port,
  credentials: { user, password },
}: Platform): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return (await httpGet(`http://127.0.0.1:${port}/system/secrets`, { authorization })).text;
}

/**
 * Whatever an owner has: the names of functions and secrets, and keys of the object store but for
 * those that only look back (deliveries, the audit trail) or hold names of images.
 *
 * @param prefix What the names of the owner's functions and secrets begin with.
 */
export async function ownerState(
  platform: Platform,
  data: string,
  { owner, prefix = `${owner}-` }: { readonly owner: string; readonly prefix?: string },
): Promise<string[]> {
  const functions = (await platform.gateway.list()).filter(
    ({ name, labels }) => name.startsWith(prefix) && labels?.[cloudLabel.cloud] === '1',
  );
  const secrets = (await secretNames(platform)).includes(`"${prefix}`) ? ['secrets'] : [];
  const folder = join(data, 'objects/buckets/pipeline');
  // The store keeps a key `a/b` as the file `a+/b=`.
  const files = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('='));
  const keys = files.map((path) => decodeURIComponent(path.replace(/[+=]/g, '')));
  const part = owner.replaceAll('/', '~2F');
  const kept = keys.filter(
    (key) =>
      new RegExp(`/${part}(?:/|\\.json$)`).test(key) &&
      !/^(?:contexts|audit|deliveries)\//.test(key),
  );
  return [...functions.map(({ name }) => name), ...secrets, ...kept];
}
