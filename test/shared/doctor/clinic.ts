import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Check, type Patient, runChecks } from '#shared/doctor/check.ts';
import type { FindingCode } from '#shared/doctor/finding.ts';
import { createLogger } from '#shared/log.ts';
import { createS3Server, type S3Server } from '../../../local/object-store/s3-server.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { writePlatformSecrets } from '../../helpers/platform-environment.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

/** What a server answers, by method and path; `*` is anything else. */
export type Routes = Record<string, (request: IncomingMessage, response: ServerResponse) => void>;

/** Where nobody answers. */
export const nobody = 'http://127.0.0.1:1';

/** A route that answers with JSON. */
export const json =
  (value: unknown, status = 200) =>
  (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

/** For the tests of a `describe`: secrets and an object store that are well, and what examines them. */
export function useClinic() {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  let secrets: string;
  let store: S3Server;
  const servers: TestServer[] = [];

  const serve = async (routes: Routes): Promise<string> => {
    const server = await listen((request, response) => {
      const route = routes[`${request.method} ${request.url?.split('?')[0]}`] ?? routes['*'];
      if (route === undefined) response.writeHead(404).end();
      else route(request, response);
    });
    servers.push(server);
    return server.url;
  };
  const patient = (env: Record<string, string> = {}): Patient => ({
    env: {
      secret_mount_path: secrets,
      gateway_pretty_url: 'http://user.apps.localhost/function',
      s3_url: store.url,
      client_id: 'id',
      ...env,
    },
    allSecrets: true,
    signal: AbortSignal.timeout(30_000),
  });
  /** The codes that a check reports, and the text of them all. */
  const examine = async (check: Check, env: Record<string, string> = {}) => {
    const findings = await runChecks([check], patient(env), 10_000);
    const text = findings.map(({ what }) => what).join('\n');
    return { codes: findings.map(({ code }) => code), text };
  };
  const expectCodes = async (
    check: Check,
    env: Record<string, string>,
    ...codes: FindingCode[]
  ) => {
    const found = await examine(check, env);
    expect(found.codes, found.text).to.deep.equal(codes);
    return found.text;
  };

  beforeEach(async () => {
    temp = await tempDir();
    secrets = join(temp.path, 'secrets');
    await mkdir(secrets);
    await writePlatformSecrets(secrets);
    for (const name of ['payload-secret', 'github-webhook-secret', 's3-secret-key']) {
      await writeFile(join(secrets, name), 'a-long-enough-secret');
    }
    store = await createS3Server({
      folder: join(temp.path, 'objects'),
      region: 'us-east-1',
      accessKey: 'access',
      secretKey: 'a-long-enough-secret',
      log: createLogger({}, () => undefined),
    });
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await store.close();
    await temp.remove();
  });
  return {
    serve,
    patient,
    examine,
    expectCodes,
    write: (name: string, value: string) => writeFile(join(secrets, name), value),
    get secrets() {
      return secrets;
    },
    get store() {
      return store;
    },
  };
}
