import { createHmac, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { createSessions } from '#shared/auth/session.ts';
import { createTokenKeys } from '#shared/auth/token.ts';
import { CloudError } from '#shared/errors.ts';
import { es256Pair } from '../../helpers/es256-pair.ts';

const audience = 'system.example.com';
const pair = es256Pair();
const other = es256Pair();
const keys = createTokenKeys(pair);
const sessions = createSessions(keys, audience, 3600);
const kid = keys.jwks[0]?.kid ?? '';
const otherKid = createTokenKeys(other).jwks[0]?.kid ?? '';
const seconds = Math.floor(Date.now() / 1000);
const identity = { subject: 'github:1', login: 'Alice', owners: ['alice', 'acme'] };
const good = {
  sub: 'github:1',
  login: 'alice',
  owners: ['alice'],
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
  'claims that are none of ours': signed(without('owners')),
  'a huge text': signed({ ...good, login: 'x'.repeat(5000) }),
};

describe('session tokens', () => {
  it('come back as they were made', () => {
    const session = sessions.read(sessions.create(identity));
    expect(session?.identity).to.deep.equal(identity);
    expect(session?.expiresInSeconds).to.be.within(3595, 3600);
  });

  it('are taken if everything is right', () => {
    expect(sessions.read(signed(good))?.identity.login).to.equal('alice');
  });

  for (const [what, token] of Object.entries(refused)) {
    it(`are refused with ${what}`, () => {
      expect(sessions.read(token)).to.equal(undefined);
    });
  }

  it('outlive a change of keys, in one direction', () => {
    const rotated = createTokenKeys({ ...other, previousPublicKey: pair.publicKey });
    const after = createSessions(rotated, audience, 60);
    expect(after.read(sessions.create(identity))?.identity).to.deep.equal(identity);
    expect(sessions.read(after.create(identity))).to.equal(undefined);
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
