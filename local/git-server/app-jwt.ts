import jwt from 'jsonwebtoken';
import { HttpError } from './http-error.ts';

/** GitHub accepts a clock that is this far ahead, and tokens that live no longer than ten minutes. */
const leewaySeconds = 60;
const maxLifeSeconds = 600;

/**
 * Checks the token with which the app speaks for itself: RS256, `iss` the app's id or client id.
 *
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 * @throws HttpError 401
 */
export function requireAppToken(
  token: string,
  app: { readonly id: number; readonly clientId: string; readonly publicKeyPem: string },
): void {
  let claims: jwt.JwtPayload | string;
  try {
    claims = jwt.verify(token, app.publicKeyPem, { algorithms: ['RS256'] });
  } catch (error) {
    throw new HttpError(
      401,
      error instanceof jwt.TokenExpiredError
        ? "'Expiration time' claim ('exp') is too far in the past"
        : 'A JSON web token could not be decoded',
    );
  }
  const { iss, iat, exp } = typeof claims === 'string' ? {} : claims;
  const now = Date.now() / 1000;
  if (String(iss) !== String(app.id) && iss !== app.clientId) {
    throw new HttpError(401, "'Issuer' claim ('iss') must be the id of the app");
  }
  if (typeof iat !== 'number' || iat > now + leewaySeconds) {
    throw new HttpError(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (typeof exp !== 'number' || exp > now + maxLifeSeconds + leewaySeconds) {
    throw new HttpError(401, "'Expiration time' claim ('exp') is too far in the future");
  }
}
