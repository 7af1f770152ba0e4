import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { createPeople } from '#shared/auth/people.ts';
import { createRevocations } from '#shared/auth/revocations.ts';
import { createSessions } from '#shared/auth/session.ts';
import { createSessionRecords } from '#shared/auth/session-records.ts';
import { createTokenKeys, type TokenKeys } from '#shared/auth/token.ts';
import { CloudError } from '#shared/errors.ts';
import { es256Pair } from '../helpers/es256-pair.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';

const audience = 'system.example.com';
const pair = es256Pair();
const other = es256Pair();
const keys = createTokenKeys(pair);
const store = createMemoryObjectStore();
const times = { idleSeconds: 3600, lifetimeSeconds: 7200 };
const sessionsOf = (tokenKeys: TokenKeys) =>
  createSessions({
    keys: tokenKeys,
    systemHost: audience,
    people: createPeople(store),
    revocations: createRevocations(store, { lifetimeSeconds: 7200 }),
    records: createSessionRecords(store, times),
    ...times,
  });
const sessions = sessionsOf(keys);
const kid = keys.jwks[0]?.kid ?? '';
const otherKid = createTokenKeys(other).jwks[0]?.kid ?? '';
const seconds = Math.floor(Date.now() / 1000);
const person = {
  provider: 'github',
  id: '1',
  login: 'Alice',
  groups: [{ path: 'acme', id: '70', admin: true }],
};
const good = {
  sub: 'github:1',
  login: 'alice',
  sid: 'a-session',
  auth_time: seconds,
  groups: [['acme', '70', 1]],
  iss: 'openfaas-cloud',
  aud: audience,
  iat: seconds,
  // Longer than a run of all tests: else everything would be refused for its age.
  exp: seconds + 3600,
};
const header = { alg: 'ES256', typ: 'session+jwt', kid } as const;

function signed(
  claims: object,
  { key = pair.privateKey, ...change }: { key?: string; [field: string]: unknown } = {},
): string {
  return jwt.sign(claims, key, { algorithm: 'ES256', header: { ...header, ...change } });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function hs256(secret: string): string {
  const text = `${encode({ ...header, alg: 'HS256' })}.${encode(good)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function without(name: keyof typeof good): object {
  const { [name]: _, ...rest } = good;
  return rest;
}

/** A token with a header that no library would write. */
function withHeader(text: string): string {
  const encoded = Buffer.from(text).toString('base64url');
  return `${encoded}.${claims}.${signature}`;
}

const [head = '', claims = '', signature = ''] = signed(good).split('.');

const refused: Record<string, string> = {
  'an empty text': '',
  garbage: 'a.b.c',
  'no signature': `${head}.${claims}.`,
  'changed claims': `${head}.${encode({ ...good, login: 'root' })}.${signature}`,
  'algorithm none': `${encode({ ...header, alg: 'none' })}.${claims}.`,
  'algorithm None': `${encode({ ...header, alg: 'None' })}.${claims}.${signature}`,
  'HS256 with the public key': hs256(pair.publicKey),
  'HS256 with the key id': hs256(kid),
  'another algorithm in the header': `${encode({ ...header, alg: 'ES384' })}.${claims}.${signature}`,
  'another key': signed(good, { key: other.privateKey }),
  'another key and its id': signed(good, { key: other.privateKey, kid: otherKid }),
  'an unknown key id': signed(good, { kid: 'x' }),
  'no key id': signed(good, { kid: undefined }),
  'a key of its own': signed(good, { key: other.privateKey, jwk: { kty: 'EC' } }),
  'another type': signed(good, { typ: 'JWT' }),
  'a login token': signed(good, { typ: 'login+jwt' }),
  'a critical extension': signed(good, { crit: ['exp'] }),
  'an empty list of critical extensions': signed(good, { crit: [] }),
  'another issuer': signed({ ...good, iss: 'openfaas-cloud@github' }),
  'no issuer': signed(without('iss')),
  'another audience': signed({ ...good, aud: 'system.example.org' }),
  'no audience': signed(without('aud')),
  'an expired time': signed({ ...good, exp: seconds - 1 }),
  'no expiry': signed(without('exp')),
  'a far expiry': signed({ ...good, exp: seconds + 40 * 24 * 3600 }),
  'a time before which it does not hold': signed({ ...good, nbf: seconds + 3000 }),
  'a time of issue in the future': signed({ ...good, iat: seconds + 7200, exp: seconds + 7260 }),
  'claims that are none of ours': signed(without('sid')),
  'a subject without a provider': signed({ ...good, sub: '1' }),
  'a login after its issue': signed({ ...good, auth_time: seconds + 60 }),
  'a login longer ago than any session lasts': signed({ ...good, auth_time: seconds - 7200 }),
  'groups of another shape': signed({ ...good, groups: ['acme'] }),
  'an algorithm given twice, none last': withHeader(
    `{"alg":"ES256","typ":"session+jwt","kid":"${kid}","alg":"none"}`,
  ),
  'an algorithm given twice, none first': withHeader(
    `{"alg":"none","typ":"session+jwt","kid":"${kid}","alg":"ES256"}`,
  ),
  'a key id given twice': withHeader(
    `{"alg":"ES256","typ":"session+jwt","kid":"x","kid":"${kid}"}`,
  ),
  'claims given twice': `${head}.${Buffer.from(
    JSON.stringify(good).replace('"login":"alice"', '"login":"alice","login":"root"'),
  ).toString('base64url')}.${signature}`,
  'a signature in DER': `${head}.${claims}.${createSign('sha256')
    .update(`${head}.${claims}`)
    .sign(pair.privateKey)
    .toString('base64url')}`,
  'a signature of zeros': `${head}.${claims}.${Buffer.alloc(64).toString('base64url')}`,
  'four parts': `${head}.${claims}.${signature}.${signature}`,
  'a tenant token': signed(good, { typ: 'tenant+jwt' }),
  'a huge text': signed({ ...good, login: 'x'.repeat(5000) }),
};

describe('session tokens', () => {
  const read = (token: string) => sessions.read(token, audience);

  it('come back as they were made', async () => {
    const { token, seconds: holds } = await sessions.start(person);
    expect(holds).to.equal(3600);
    expect((await read(token))?.person).to.deep.equal(person);
  });

  it('are taken if everything is right', async () => {
    expect((await read(signed(good)))?.person.login).to.equal('alice');
  });

  for (const [what, token] of Object.entries(refused)) {
    it(`are refused with ${what}`, async () => {
      expect(await read(token)).to.equal(undefined);
    });
  }

  it('fit into a cookie whatever groups somebody is in, and lose none', async () => {
    for (const count of [1, 60, 130, 1000]) {
      const groups = Array.from({ length: count }, (_, i) => ({
        ...{ path: `organisation-${i}`, id: `${1000 + i}`, admin: i % 2 === 0 },
      }));
      const { token } = await sessions.start({ ...person, groups });
      expect(token.length, String(count)).to.be.below(4000);
      expect((await read(token))?.person.groups, String(count)).to.deep.equal(groups);
    }
  });

  it('are for one host and one kind of host', async () => {
    const session = await read((await sessions.start(person)).token);
    if (session === undefined) throw new Error('no session');
    const { token } = sessions.forHost(session, 'alice.example.com');
    expect((await sessions.read(token, 'alice.example.com'))?.person).to.deep.equal(person);
    for (const host of [
      audience,
      'bob.example.com',
      'alice.example.com:8080',
      'ALICE.example.com',
    ]) {
      expect(await sessions.read(token, host), host).to.equal(undefined);
    }
    const own = signed({ ...good, aud: 'alice.example.com' });
    expect(await sessions.read(own, 'alice.example.com')).to.equal(undefined);
  });

  it('may come from a clock that is half a minute ahead, and no more', () => {
    const at = (ahead: number) => createTokenKeys(pair, () => (seconds + ahead) * 1000);
    const verify = (ahead: number) => at(0).verify('x', 'a', at(ahead).sign('x', 'a', {}, 3600));
    expect(verify(30)).to.include({ aud: 'a' });
    expect(() => verify(31)).to.throw(CloudError);
  });

  it('are refused once the key before is taken away', async () => {
    const { token } = await sessions.start(person);
    const during = sessionsOf(createTokenKeys({ ...other, previousPublicKey: pair.publicKey }));
    const after = sessionsOf(createTokenKeys(other));
    expect((await during.read(token, audience))?.person.login).to.equal('Alice');
    expect(await after.read(token, audience)).to.equal(undefined);
  });

  it('outlive a change of keys, in one direction', async () => {
    const rotated = createTokenKeys({ ...other, previousPublicKey: pair.publicKey });
    const after = sessionsOf(rotated);
    const { token } = await sessions.start(person);
    expect((await after.read(token, audience))?.person).to.deep.equal(person);
    expect(await read((await after.start(person)).token)).to.equal(undefined);
    expect(rotated.jwks.map((jwk) => jwk.kid)).to.deep.equal([otherKid, kid]);
  });
});

describe('createTokenKeys', () => {
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const wrong: Record<string, Parameters<typeof createTokenKeys>[0]> = {
    'two keys that do not belong together': { ...pair, publicKey: other.publicKey },
    'an RSA pair': rsa,
    'no PEM': { ...pair, privateKey: 'secret text' },
    'a wrong previous key': { ...pair, previousPublicKey: rsa.publicKey },
  };
  for (const [what, pem] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expect(() => createTokenKeys(pem))
        .to.throw(CloudError)
        .that.satisfies(
          (error: CloudError) => error.code === 'OFC_CONFIG' && !error.text.includes('secret text'),
        );
    });
  }

  it('shows public parts only', () => {
    expect(Object.keys(keys.jwks[0] ?? {})).to.have.members([
      ...['kty', 'crv', 'x', 'y', 'kid', 'alg', 'use'],
    ]);
  });
});
