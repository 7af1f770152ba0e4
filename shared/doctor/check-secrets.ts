import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readOptionalSecret } from '../secrets.ts';
import type { Check, Patient, Report } from './check.ts';
import { readDockerConfig } from './check-registry.ts';
import { neededSecrets } from './needs.ts';

/** What a secret must look like: what is wrong with it, or `undefined`. */
type Shape = (value: string) => string | undefined;

const line: Shape = (value) => (/\s/.test(value) ? 'has more than one word' : undefined);
const shapeOf =
  (what: string, accepts: (value: string) => boolean): Shape =>
  (value) => {
    try {
      return accepts(value) ? undefined : `is not ${what}`;
    } catch {
      return `is not ${what}`;
    }
  };
const isP256 = (key: ReturnType<typeof createPublicKey>) =>
  key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
const sessionKey = shapeOf('a P-256 private key in PEM', (pem) =>
  isP256(createPublicKey(createPrivateKey(pem))),
);
const publicKey = shapeOf(
  'a P-256 public key in PEM',
  (pem) => !pem.includes('PRIVATE') && isP256(createPublicKey(pem)),
);
const certificate = shapeOf('a certificate in PEM that holds today', (pem) => {
  const { validFrom, validTo } = new X509Certificate(pem);
  return Date.parse(validFrom) <= Date.now() && Date.now() < Date.parse(validTo);
});
const box = shapeOf('32 bytes in base64', (value) => Buffer.from(value, 'base64').length === 32);

/** Every secret that somebody may have wrong, and how it must look. */
const shapes: Readonly<Record<string, Shape>> = {
  'payload-secret': line,
  'payload-secret-previous': line,
  'github-webhook-secret': line,
  'github-webhook-secret-previous': line,
  'jwt-private-key': sessionKey,
  'jwt-public-key': publicKey,
  'jwt-public-key-previous': publicKey,
  's3-access-key': line,
  's3-secret-key': line,
  'basic-auth-user': line,
  'basic-auth-password': line,
  'private-key': shapeOf(
    'an RSA private key in PEM',
    (pem) => createPrivateKey(pem).asymmetricKeyType === 'rsa',
  ),
  'of-client-secret': line,
  customers: shapeOf('a list of owners', (text) =>
    text.split('\n').some((one) => /^\s*[^\s#]/.test(one)),
  ),
  'docker-config': shapeOf("Docker's config.json", (text) => readDockerConfig(text) !== undefined),
  'buildkit-ca-cert': certificate,
  'buildkit-client-cert': certificate,
  'buildkit-client-key': shapeOf(
    'a private key in PEM',
    (pem) => createPrivateKey(pem).type === 'private',
  ),
  'builder-private-key': box,
  'sealing-private-key': box,
  'sealing-private-key-previous': box,
  'gitlab-client-secret': line,
  'gitea-client-secret': line,
};

/** Signing secrets, which must not be guessed. */
const random = [
  'payload-secret',
  'github-webhook-secret',
  's3-secret-key',
  'builder-payload-secret',
];
const fewestCharacters = 16;

/** Secrets: each is there, looks as it must, and fits its other half. */
export const checkSecrets: Check = {
  name: 'secrets',
  async run(patient, report) {
    const read = (name: string) => readOptionalSecret(name, patient.env);
    if (patient.allSecrets) {
      for (const name of neededSecrets(patient)) {
        if (read(name) === undefined) report('secret-missing', `${name} is missing or empty.`);
      }
    }
    for (const [name, shape] of Object.entries(shapes)) {
      const value = read(name);
      const problem = value === undefined ? undefined : shape(value);
      if (problem !== undefined) report('secret-shape', `${name} ${problem}.`);
    }
    for (const name of random) {
      if ((read(name)?.length ?? fewestCharacters) < fewestCharacters) {
        report('secret-weak', `${name} has fewer than ${fewestCharacters} characters.`);
      }
    }
    checkPairs(patient, report);
  },
};

function checkPairs(patient: Patient, report: Report): void {
  const read = (name: string) => readOptionalSecret(name, patient.env);
  const pair = (a: string, b: string, fits: (one: string, other: string) => boolean): void => {
    const [one, other] = [read(a), read(b)];
    if (one === undefined || other === undefined) return;
    try {
      if (!fits(one, other)) report('secret-pair', `${a} and ${b} do not belong together.`);
    } catch {
      // Of a wrong shape, which is said already.
    }
  };
  pair('jwt-private-key', 'jwt-public-key', (key, other) =>
    createPublicKey(createPrivateKey(key)).equals(createPublicKey(other)),
  );
  pair('buildkit-client-key', 'buildkit-client-cert', (key, cert) =>
    new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)),
  );
  pair('buildkit-client-cert', 'buildkit-ca-cert', (cert, ca) =>
    new X509Certificate(cert).checkIssued(new X509Certificate(ca)),
  );
}
