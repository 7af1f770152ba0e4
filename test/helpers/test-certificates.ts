import { webcrypto } from 'node:crypto';
import 'reflect-metadata'; // x509 asks for it first
import * as x509 from '@peculiar/x509';

/** A certificate with its key, in PEM. */
export interface CertifiedKey {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that lives for a test. */
export interface TestAuthority {
  readonly cert: string;
  /** A certificate for 127.0.0.1 and localhost, for servers and clients. */
  issue(name: string): Promise<CertifiedKey>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 24 * 60 * 60_000;

/** Makes a {@link TestAuthority}. */
export async function createTestAuthority(): Promise<TestAuthority> {
  x509.cryptoProvider.set(webcrypto);
  const generate = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const keys = await generate();
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Test authority',
    ...validity,
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  let serial = 1;
  return {
    cert: authority.toString('pem'),
    async issue(name) {
      const pair = await generate();
      serial += 1;
      const cert = await x509.X509CertificateGenerator.create({
        serialNumber: serial.toString(16).padStart(2, '0'),
        subject: `CN=${name}`,
        issuer: authority.subject,
        ...validity,
        signingKey: keys.privateKey,
        publicKey: pair.publicKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.SubjectAlternativeNameExtension([
            { type: 'ip', value: '127.0.0.1' },
            { type: 'dns', value: 'localhost' },
          ]),
        ],
      });
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', pair.privateKey);
      return { cert: cert.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
    },
  };
}
