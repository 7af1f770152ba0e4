import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { CloudError, errorMessage } from '../errors.ts';

/** A public key as `/auth/jwks.json` shows it (RFC 7517). */
export interface PublicJwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: 'ES256';
  readonly use: 'sig';
}

/** Signs and verifies the platform's tokens: ES256 JWTs (RFC 7519, pinned as RFC 8725 advises). */
export interface TokenKeys {
  readonly jwks: readonly PublicJwk[];
  /** @param type What the token is for: the header's `typ`; one kind is never taken for another. */
  sign(type: string, audience: string, claims: object, lifetimeSeconds: number): string;
  /**
   * The claims of a token whose algorithm, key, type, issuer, audience and times are all right.
   *
   * @throws CloudError `OFC_UNAUTHENTICATED`
   */
  verify(type: string, audience: string, token: string): object;
}

const issuer = 'openfaas-cloud';
const maxTokenLength = 4096;
/** No token of ours lives longer, whatever it says. */
export const maxTokenLifetimeSeconds = 31 * 24 * 3600;
const maxSkewSeconds = 30;

/**
 * Parses the keys once: the KeyObjects make a verification three times as fast as PEM texts do.
 *
 * @param pem `jwt-private-key`, `jwt-public-key` and during a rotation `jwt-public-key-previous`.
 * @param now Milliseconds, for tests.
 * @throws CloudError `OFC_CONFIG`
 */
export function createTokenKeys(
  pem: {
    readonly privateKey: string;
    readonly publicKey: string;
    readonly previousPublicKey?: string | undefined;
  },
  now: () => number = Date.now,
): TokenKeys {
  const privateKey = parseKey('jwt-private-key', () => createPrivateKey(pem.privateKey));
  const current = publicKeyOf('jwt-public-key', pem.publicKey);
  const own = toJwk(createPublicKey(privateKey));
  if (own.kid !== current.jwk.kid) {
    throw new CloudError('OFC_CONFIG', 'jwt-public-key does not belong to jwt-private-key.');
  }
  const accepted = [current];
  if (pem.previousPublicKey !== undefined) {
    accepted.push(publicKeyOf('jwt-public-key-previous', pem.previousPublicKey));
  }
  const seconds = () => Math.floor(now() / 1000);
  const byKid = new Map(accepted.map(({ jwk, key }) => [jwk.kid, key]));

  return {
    jwks: accepted.map(({ jwk }) => jwk),
    sign: (type, audience, claims, lifetimeSeconds) =>
      jwt.sign({ ...claims, iat: seconds() }, privateKey, {
        algorithm: 'ES256',
        header: { alg: 'ES256', typ: type, kid: own.kid },
        issuer,
        audience,
        expiresIn: lifetimeSeconds,
      }),
    verify(type, audience, token) {
      if (token.length > maxTokenLength) throw refused('is too long');
      const header = readHeader(token);
      if (header?.alg !== 'ES256' || header.typ !== type || 'crit' in header) {
        throw refused('is of another kind');
      }
      const key = byKid.get(header.kid ?? '');
      if (key === undefined) throw refused('is signed with an unknown key');
      let claims: string | jwt.JwtPayload;
      try {
        const clockTimestamp = seconds();
        claims = jwt.verify(token, key, {
          algorithms: ['ES256'],
          issuer,
          audience,
          clockTimestamp,
        });
      } catch (error) {
        throw refused(`is not valid (${errorMessage(error)})`);
      }
      if (typeof claims === 'string' || !hasProperTimes(claims, seconds())) {
        throw refused('has no proper lifetime');
      }
      return claims;
    },
  };
}

/** jsonwebtoken takes tokens without `exp` and from the future; we do not. */
function hasProperTimes({ exp, iat }: jwt.JwtPayload, seconds: number): boolean {
  if (typeof exp !== 'number' || typeof iat !== 'number') return false;
  return iat <= seconds + maxSkewSeconds && exp - iat <= maxTokenLifetimeSeconds;
}

function readHeader(token: string): jwt.JwtHeader | undefined {
  try {
    return jwt.decode(token, { complete: true })?.header;
  } catch {
    return undefined;
  }
}

function publicKeyOf(name: string, pem: string): { key: KeyObject; jwk: PublicJwk } {
  const key = parseKey(name, () => createPublicKey(pem));
  return { key, jwk: toJwk(key) };
}

function parseKey(name: string, parse: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = parse();
  } catch {
    // The library's message may quote the key, so it is not passed on.
  }
  if (key?.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CloudError('OFC_CONFIG', `The secret "${name}" is not a P-256 key in PEM form.`, {
      hint: 'Create a pair with "openssl ecparam -name prime256v1 -genkey -noout".',
    });
  }
  return key;
}

/** `kid` is the thumbprint of the key (RFC 7638), so it needs no configuration. */
function toJwk(key: KeyObject): PublicJwk {
  const { kty = '', crv = '', x = '', y = '' } = key.export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' };
}

function refused(why: string): CloudError {
  return new CloudError('OFC_UNAUTHENTICATED', `The token ${why}.`);
}
