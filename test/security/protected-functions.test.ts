import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  customersOf,
  handOver,
  reply,
  signIn,
} from '../functions/of-auth/stage.ts';
import { buildStage, type Stage, sendJson } from '../functions/of-router/stage.ts';
import { send } from '../helpers/http-client.ts';

const annotation = 'com.openfaas.cloud.auth';
const session = '__Host-openfaas_cloud_token';
const tenant = '__Host-ofc_session';
const host = 'acme.example.com';
const key = 'dGhlIHNhbXBsZSBub25jZQ==';

/** acme's functions by what their annotation says. */
const protections = {
  none: undefined,
  public: 'public',
  customers: 'customers',
  members: 'members',
  owner: 'owner',
  odd: 'Onwer',
  empty: '',
} as const;

type Protection = keyof typeof protections;
const open: Protection[] = ['none', 'public'];
const forCustomers: Protection[] = [...open, 'customers'];
const forMembers: Protection[] = [...forCustomers, 'members'];
const all = Object.keys(protections) as Protection[];

/** Who comes, and which functions answer them; everyone else's are closed. */
const visitors: Record<string, readonly Protection[]> = {
  nobody: open,
  'a customer who has nothing to do with acme': forCustomers,
  'a member of acme': forMembers,
  'an owner of acme': all,
  'an owner of acme who signed out': open,
  'an owner of acme who is no customer any more': open,
  'an owner of acme with the session of the system host': open,
  'an owner of acme with the session of another owner’s host': open,
  'an owner of acme with an API token': open,
  'a member of another acme, at another number': forCustomers,
};

/**
 * `com.openfaas.cloud.auth` as a visitor meets it: of-router with the real of-auth, requests and
 * WebSockets alike.
 */
describe('functions that ask who comes', () => {
  const customers = customersOf('alice', 'zoe', 'gone');
  let auth: AuthStage;
  let stage: Stage;
  let upgraded = 0;
  const cookies = new Map<string, string>();
  before(async () => {
    auth = await buildAuthStage({ customers: customers.check });
    const functions = Object.entries(protections).map(([name, text]) => ({
      name: `acme-${name}`,
      labels: {
        'com.openfaas.cloud.git-cloud': '1',
        'com.openfaas.cloud.git-owner': 'acme',
        'com.openfaas.cloud.git-owner-id': '70',
      },
      annotations: text === undefined ? {} : { [annotation]: text },
    }));
    stage = await buildStage({
      list: (response) => sendJson(response, functions),
      auth: async (request, response) => {
        const path = (request.url ?? '').slice('/function/of-auth'.length);
        const { host: _, connection: __, ...headers } = request.headers;
        const answer = await send(auth.port, path, { headers });
        response.writeHead(answer.status).end(answer.body);
      },
      upgrade: (request, socket) => {
        upgraded += 1;
        const accept = createHash('sha1')
          .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64');
        socket.on('error', () => socket.destroy());
        socket.end(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
      },
    });
    const sessionOf = async (login: string, id: number, orgs: [id: number, role: string][]) => {
      auth.provider['/api/user'] = reply({ id, login });
      auth.provider['/api/user/memberships/orgs'] = reply(
        orgs.map(([number, role]) => ({ organization: { id: number, login: 'Acme' }, role })),
      );
      return cookiesOf(await signIn(auth))[session] ?? '';
    };
    const at = async (token: string, name = host) =>
      `${tenant}=${await handOver(auth, token, name)}`;
    const owner = await sessionOf('alice', 7, [[70, 'admin']]);
    cookies.set('an owner of acme', await at(owner));
    cookies.set('an owner of acme with the session of the system host', `${tenant}=${owner}`);
    cookies.set(
      'an owner of acme with the session of another owner’s host',
      await at(owner, 'alice.example.com'),
    );
    const signedOut = await sessionOf('alice', 7, [[70, 'admin']]);
    cookies.set('an owner of acme who signed out', await at(signedOut));
    const headers = { origin: 'https://system.example.com', cookie: `${session}=${signedOut}` };
    await send(auth.port, '/auth/logout', { method: 'POST', headers });
    const gone = await sessionOf('gone', 9, [[70, 'admin']]);
    cookies.set('an owner of acme who is no customer any more', await at(gone));
    const member = await sessionOf('alice', 17, [[70, 'member']]);
    cookies.set('a member of acme', await at(member));
    const other = await sessionOf('alice', 18, [[71, 'admin']]);
    cookies.set('a member of another acme, at another number', await at(other));
    const zoe = await sessionOf('zoe', 8, []);
    cookies.set('a customer who has nothing to do with acme', await at(zoe));
    customers.list.now = customersOf('alice', 'zoe').list.now;
  });
  after(async () => {
    await stage.close();
    await auth.close();
  });

  const fieldsOf = (who: string): Record<string, string> => {
    const cookie = cookies.get(who);
    const token = who.endsWith('API token') ? `Bearer ofc_github.7.${'x'.repeat(43)}` : undefined;
    return {
      ...(cookie === undefined ? {} : { cookie }),
      ...(token === undefined ? {} : { authorization: token }),
    };
  };
  /** The status of a WebSocket's handshake, as a page of the function's own host opens it. */
  const webSocket = async (path: string, fields: Record<string, string>): Promise<string> => {
    const socket = connect(stage.port, '127.0.0.1').setEncoding('latin1');
    let received = '';
    socket.on('data', (text) => {
      received += text;
    });
    socket.on('error', () => undefined);
    const lines = {
      ...{ host: 'x', 'x-forwarded-host': host, origin: `https://${host}` },
      ...{ connection: 'Upgrade', upgrade: 'websocket' },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-key': key },
      ...fields,
    };
    const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${path} HTTP/1.1\r\n${head.join('')}\r\n`);
    await once(socket, 'close');
    return received.slice(9, 12);
  };

  for (const [who, allowed] of Object.entries(visitors)) {
    it(`answer ${who}: ${allowed.join(', ')}`, async () => {
      const fields = fieldsOf(who);
      for (const name of all) {
        stage.seen.length = 0;
        const headers = { 'x-forwarded-host': host, ...fields };
        const { status } = await send(stage.port, `/${name}/x`, { headers });
        if (allowed.includes(name)) {
          expect(status, name).to.equal(200);
          expect(stage.seen, name).to.have.length(1);
          expect(String(stage.seen[0]?.rawHeaders), name).to.not.match(/ofc_|x-cloud/i);
        } else {
          expect(status, name).to.be.oneOf([401, 403]);
          expect(stage.seen, name).to.have.length(0);
        }
      }
      upgraded = 0;
      for (const name of ['none', 'customers', 'members', 'owner'] as const) {
        const before = upgraded;
        const isOpen = allowed.includes(name);
        const handshake = await webSocket(`/${name}/x`, fields);
        expect(handshake, name).to.be.oneOf(isOpen ? ['101'] : ['401', '403']);
        expect(upgraded - before, name).to.equal(isOpen ? 1 : 0);
      }
    });
  }

  it('lead who reads a page to a sign-in, and nothing that is sent', async () => {
    const ask = (method: string, accept: string) =>
      send(stage.port, '/owner/x', {
        method,
        headers: { 'x-forwarded-host': host, origin: `https://${host}`, accept },
      });
    expect((await ask('GET', 'text/html')).headers.location).to.equal(
      `https://${host}/.well-known/openfaas-cloud/sign-in?r=%2Fowner%2Fx`,
    );
    for (const [method, accept] of [
      ['POST', 'text/html'],
      ['DELETE', 'text/html'],
      ['GET', 'application/json'],
    ] as const) {
      const answer = await ask(method, accept);
      expect(answer.status, method).to.equal(401);
      expect(answer.headers, method).to.not.have.property('location');
    }
  });
});
