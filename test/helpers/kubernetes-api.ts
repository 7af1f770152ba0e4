import {
  constants,
  createDecipheriv,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { tempDir } from './temp-dir.ts';
import { createTestAuthority } from './test-certificates.ts';

interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    uid: string;
    generation: number;
  };
  spec: { encryptedData: Record<string, string>; template?: object };
  status?: object;
}

/** A stand-in for a Kubernetes API server with the SealedSecrets controller, over TLS. */
export interface KubernetesApi {
  readonly url: string;
  /** A service account's folder: `token`, `ca.crt`. */
  readonly accountFolder: string;
  readonly namespace: string;
  readonly objects: Map<string, ApiObject>;
  /** The secrets that the controller made: `name` → key → value. */
  readonly secrets: Map<string, Record<string, string>>;
  /** Each request: `PATCH alice-db`. */
  readonly calls: string[];
  /** What one seals with. */
  readonly publicKey: KeyObject;
  readonly privateKeyPem: string;
  /** The token changes, as it does every hour. */
  rotateToken(): Promise<void>;
  /** Verbs that the role allows on sealedsecrets. */
  verbs: Set<string>;
  /** `false`: the controller is down. */
  controllerRuns: boolean;
  close(): Promise<void>;
}

type Schema = {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  [key: string]: unknown;
};

/** As `fieldValidation=Strict` has it: a field that the definition does not know is an error. */
function strict(schema: Schema): Schema {
  if (schema['type'] === 'array') return { ...schema, items: strict(schema['items'] as Schema) };
  const { properties } = schema;
  if (properties === undefined) return schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  return {
    ...schema,
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => [name, strict(inner)]),
    ),
    ...(open ? {} : { additionalProperties: false }),
  };
}

/** Starts a {@link KubernetesApi}. */
export async function startKubernetesApi(): Promise<KubernetesApi> {
  const schemaFile = new URL('../fixtures/sealed-secret-schema.json', import.meta.url);
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(strict(JSON.parse(readFileSync(schemaFile, 'utf8')) as Schema));
  const folder = await tempDir();
  const authority = await createTestAuthority();
  const { cert, key } = await authority.issue('kubernetes');
  const sealing = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let token = '';
  let counter = 0;
  const base = '/apis/bitnami.com/v1alpha1/namespaces/openfaas-fn/sealedsecrets/';

  const server = createServer({ cert, key }, async (request, response) => {
    const body = (await buffer(request)).toString('utf8');
    const { method = '' } = request;
    const url = new URL(request.url ?? '/', 'https://localhost');
    const answer = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const fail = (code: number, message: string) =>
      answer(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message });

    if (request.headers.authorization !== `Bearer ${token}`) return fail(401, 'Unauthorized');
    if (!url.pathname.startsWith(base)) return fail(403, `forbidden: ${url.pathname}`);
    const name = url.pathname.slice(base.length);
    api.calls.push(`${method} ${name}`);
    const verb = { GET: 'get', PATCH: 'patch', DELETE: 'delete' }[method] ?? method;
    const before = api.objects.get(name);
    const needed = method === 'PATCH' && before === undefined ? [verb, 'create'] : [verb];
    const refused = needed.find((one) => !api.verbs.has(one));
    if (refused !== undefined)
      return fail(403, `sealedsecrets "${name}" is forbidden: cannot ${refused}`);

    if (method === 'PATCH') {
      if (request.headers['content-type'] !== 'application/apply-patch+yaml')
        return fail(415, 'unsupported');
      if (!url.searchParams.get('fieldManager')) return fail(400, 'fieldManager is required');
      const object = JSON.parse(body) as ApiObject;
      if (!validate(object)) return fail(422, ajv.errorsText(validate.errors));
      if (object.kind !== 'SealedSecret' || object.apiVersion !== 'bitnami.com/v1alpha1') {
        return fail(400, 'wrong kind');
      }
      if (object.metadata.name !== name || object.metadata.namespace !== 'openfaas-fn') {
        return fail(400, 'the name of the object does not match the URL');
      }
      counter += 1;
      const changed = JSON.stringify(before?.spec) !== JSON.stringify(object.spec);
      const generation = (before?.metadata.generation ?? 0) + (changed ? 1 : 0);
      const uid = before?.metadata.uid ?? `uid-${counter}`;
      const applied: ApiObject = { ...object, metadata: { ...object.metadata, uid, generation } };
      if (before?.status !== undefined) applied.status = before.status;
      api.objects.set(name, applied);
      // The answer leaves before the controller has seen anything.
      answer(before === undefined ? 201 : 200, applied);
      if (api.controllerRuns) setTimeout(() => reconcile(applied), 20);
      return;
    }
    if (before === undefined) return fail(404, `sealedsecrets "${name}" not found`);
    if (method === 'GET') return answer(200, before);
    const options = JSON.parse(body) as { preconditions?: { uid?: string } };
    if (options.preconditions?.uid !== before.metadata.uid)
      return fail(409, 'the UID does not match');
    api.objects.delete(name);
    api.secrets.delete(name);
    return answer(200, { kind: 'Status', status: 'Success' });
  });

  const reconcile = (object: ApiObject): void => {
    const { name, namespace, generation } = object.metadata;
    const opened: Record<string, string> = {};
    const failed = Object.entries(object.spec.encryptedData).find(([field, sealed]) => {
      const value = unseal(sealing.privateKey, `${namespace}/${name}`, sealed);
      if (value !== undefined) opened[field] = value;
      return value === undefined;
    });
    const at = new Date().toISOString();
    const condition = {
      type: 'Synced',
      status: failed === undefined ? 'True' : 'False',
      lastTransitionTime: at,
      lastUpdateTime: at,
      ...(failed && { message: `no key could decrypt secret (${failed[0]})` }),
    };
    object.status = { observedGeneration: generation, conditions: [condition] };
    if (!validate(object)) throw new Error(ajv.errorsText(validate.errors));
    if (failed === undefined) api.secrets.set(name, opened);
  };

  const api: KubernetesApi = {
    url: '',
    accountFolder: folder.path,
    namespace: 'openfaas-fn',
    objects: new Map(),
    secrets: new Map(),
    calls: [],
    publicKey: sealing.publicKey,
    privateKeyPem: String(sealing.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    async rotateToken() {
      counter += 1;
      token = `token-${counter}`;
      await writeFile(join(folder.path, 'token'), `${token}\n`);
    },
    verbs: new Set(['get', 'create', 'patch', 'delete']),
    controllerRuns: true,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder.remove();
    },
  };
  await writeFile(join(folder.path, 'ca.crt'), authority.cert);
  await api.rotateToken();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(api, { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** What the controller does; from the description of the format, not with the code under test. */
function unseal(key: KeyObject, label: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  const end = 2 + bytes.readUInt16BE(0);
  try {
    const sessionKey = privateDecrypt(
      {
        key,
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: 'sha256',
        oaepLabel: Buffer.from(label),
      },
      bytes.subarray(2, end),
    );
    const decipher = createDecipheriv('aes-256-gcm', sessionKey, Buffer.alloc(12));
    decipher.setAuthTag(bytes.subarray(-16));
    return decipher.update(bytes.subarray(end, -16), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
