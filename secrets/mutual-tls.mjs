import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import 'reflect-metadata'; // which the next one asks for
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const years = 5;

/**
 * Keys and certificates for mutual TLS, all PEM: an authority whose key is thrown away, so that nobody can
 * join later, a server for `hosts` and one client.
 *
 * @param {readonly string[]} hosts DNS names, with or without a leading `*.`, or IP addresses.
 * @returns {Promise<{ ca: string, server: { certificate: string, key: string }, client: { certificate: string, key: string } }>}
 */
export async function mutualTls(hosts) {
  x509.cryptoProvider.set(webcrypto);
  const keyPair = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const notBefore = new Date(Date.now() - 3_600_000);
  const notAfter = new Date(notBefore);
  notAfter.setFullYear(notAfter.getFullYear() + years);
  const common = { notBefore, notAfter, signingAlgorithm: algorithm };

  const caKeys = await keyPair();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    name: 'CN=OpenFaaS Cloud BuildKit',
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  });
  const issue = async (name, usage, extensions) => {
    const keys = await keyPair();
    const certificate = await x509.X509CertificateGenerator.create({
      ...common,
      subject: `CN=${name}`,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        ...extensions,
      ],
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    return { certificate: `${certificate.toString('pem')}\n`, key: pem('PRIVATE KEY', pkcs8) };
  };
  const names = hosts.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }));
  return {
    ca: `${ca.toString('pem')}\n`,
    server: await issue('buildkitd', x509.ExtendedKeyUsage.serverAuth, [
      new x509.SubjectAlternativeNameExtension(names),
    ]),
    client: await issue('of-builder', x509.ExtendedKeyUsage.clientAuth, []),
  };
}

function pem(label, bytes) {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
