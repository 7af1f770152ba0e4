import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createPeople } from '#shared/auth/people.ts';
import type { Person } from '#shared/auth/person.ts';
import { createRevocations } from '#shared/auth/revocations.ts';
import { createSessions, type Session } from '#shared/auth/session.ts';
import { createSessionRecords } from '#shared/auth/session-records.ts';
import { createTokenKeys } from '#shared/auth/token.ts';
import { createLogger } from '#shared/log.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createS3Server } from '../../local/object-store/s3-server.ts';
import { bundleFunction, type DeployedFunction } from '../helpers/deployed-function.ts';
import { eventually } from '../helpers/eventually.ts';
import { send } from '../helpers/http-client.ts';
import { writePlatformSecrets } from '../helpers/platform-environment.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** of-auth as it is deployed, in a process that can be killed, with its object store. */
export interface SoakAuth {
  /** Cookies for `alice.example.com`, by who shows them. */
  readonly cookies: Readonly<
    Record<'owner' | 'stranger' | 'signedOut' | 'forged' | 'other', string>
  >;
  /** Passes a request for `/function/of-auth…` on; 503 while the process is dead. */
  pass(request: IncomingMessage, response: ServerResponse): void;
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const lifetimeSeconds = 3600;
const systemHost = 'system.example.com';
const host = 'alice.example.com';

/** Makes and starts a {@link SoakAuth}, whose customers are alice and bob. */
export async function startSoakAuth(): Promise<SoakAuth> {
  const { path: folder, remove } = await tempDir();
  const secrets = join(folder, 'secrets');
  await mkdir(secrets);
  await writePlatformSecrets(secrets);
  await writeFile(join(secrets, 'customers'), 'alice\nbob\n');
  const access = { region: 'us-east-1', accessKey: 'access', secretKey: 'secret' };
  const log = createLogger({}, () => undefined);
  const s3 = await createS3Server({ folder: join(folder, 's3'), log, ...access });
  const store = createS3ObjectStore({
    endpoint: s3.url,
    bucket: 'pipeline',
    ...access,
  });
  const bundle = await bundleFunction('of-auth', folder);
  const env = {
    secret_mount_path: secrets,
    customers_path: join(secrets, 'customers'),
    gateway_pretty_url: 'https://user.example.com/function',
    client_id: 'soak',
    s3_url: s3.url,
    s3_bucket: 'pipeline',
    session_lifetime: `${lifetimeSeconds}s`,
    session_idle: `${lifetimeSeconds}s`,
  };
  /** Up is who has answered: the first answer of a new process takes long on a busy machine. */
  const start = async (): Promise<DeployedFunction> => {
    const started = await bundle.start(env);
    await eventually(async () => {
      const { status } = await send(started.port, '/auth/health');
      if (status !== 200) throw new Error(`of-auth is not well: ${status}`);
    });
    return started;
  };
  let running: DeployedFunction | undefined = await start();

  const pem = async (name: string) => await readFile(join(secrets, name), 'utf8');
  const keys = createTokenKeys({
    privateKey: await pem('jwt-private-key'),
    publicKey: await pem('jwt-public-key'),
  });
  const sessions = createSessions({
    keys,
    systemHost,
    people: createPeople(store),
    revocations: createRevocations(store, { lifetimeSeconds }),
    records: createSessionRecords(store, { idleSeconds: lifetimeSeconds, lifetimeSeconds }),
    idleSeconds: lifetimeSeconds,
    lifetimeSeconds,
  });
  const begin = async (login: string, id: string): Promise<Session> => {
    const person: Person = { provider: 'github', id, login, groups: [] };
    const { token } = await sessions.start(person);
    const session = await sessions.read(token, systemHost);
    if (session === undefined) throw new Error('no session');
    return session;
  };
  const cookie = (session: Session, at: string) =>
    `__Host-ofc_session=${sessions.forHost(session, at).token}`;
  const alice = await begin('alice', '1');
  const ended = await begin('alice', '1');
  await sessions.end(ended);
  const owner = cookie(alice, host);
  const cookies = {
    owner,
    stranger: cookie(await begin('bob', '2'), host),
    signedOut: cookie(ended, host),
    forged: `${owner.slice(0, -4)}AAAA`,
    other: cookie(alice, 'bob.example.com'),
  };

  return {
    cookies,
    pass(incoming, response) {
      const fail = (): void => {
        if (response.headersSent) response.destroy();
        else response.writeHead(503, { 'x-openfaas-internal': 'gateway' }).end();
      };
      if (running === undefined) return fail();
      const { method = 'GET', url = '', headers } = incoming;
      const path = url.slice('/function/of-auth'.length);
      const onward = request({ host: '127.0.0.1', port: running.port, method, path, headers });
      onward.on('error', fail).on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.on('error', fail).pipe(response);
      });
      incoming.pipe(onward);
    },
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async start() {
      running = await start();
    },
    async close() {
      await running?.kill();
      await s3.close();
      await remove();
    },
  };
}
