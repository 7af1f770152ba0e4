import { createHmac, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { parse } from 'yaml';
import { parseOwner } from '#shared/names.ts';
import {
  describePublicKey,
  encodeKey,
  keyId,
  openSecrets,
  ownerKeys,
  parsePrivateKey,
  parsePublicKey,
  sealSecrets,
} from '#shared/sealed-box.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { sealWithSodium } from '../helpers/seal-with-sodium.ts';

const keys = parsePrivateKey(randomBytes(32).toString('base64'));
const others = parsePrivateKey(randomBytes(32).toString('base64'));

/** Keys, texts, binary values, one without bytes and one of many. */
const values = {
  api_token: Buffer.from('sk-1234567890abcdef'),
  'ca.crt': Buffer.from('-----BEGIN CERTIFICATE-----\nMIIBkTCB+w==\n-----END CERTIFICATE-----\n'),
  null_bytes: Buffer.from([0, 0, 0xff, 0, 0xfe]),
  empty: Buffer.alloc(0),
  large: randomBytes(20_000),
};

function plain(opened: ReturnType<typeof openSecrets>): Record<string, Buffer> {
  return Object.fromEntries([...opened].map(([name, { value }]) => [name, value]));
}

describe('sealed boxes', () => {
  before(() => sodium.ready);

  it('made by libsodium are opened here', () => {
    const text = sealWithSodium(keys.publicKey, values);
    expect(plain(openSecrets(text, [keys]))).to.deep.equal(values);
  });

  it('made here are opened by libsodium', () => {
    const file: {
      version: string;
      algorithm: string;
      key_id: string;
      public_key: string;
      secrets: Record<string, string>;
    } = parse(sealSecrets(keys.publicKey, values));
    expect(file.version).to.equal('v1');
    expect(file.algorithm).to.equal('nacl/box');
    expect(file.key_id).to.equal(keyId(keys.publicKey)).and.to.have.length(8);
    const sender = Buffer.from(file.public_key, 'base64');
    for (const [name, value] of Object.entries(values)) {
      const sealed = Buffer.from(file.secrets[name] ?? '', 'base64');
      const opened = sodium.crypto_box_open_easy(
        sealed.subarray(24),
        sealed.subarray(0, 24),
        sender,
        keys.privateKey,
      );
      expect(Buffer.from(opened)).to.deep.equal(value);
    }
  });

  it('use a key pair of their own and a nonce for each value', () => {
    const same = { a: Buffer.from('x'), b: Buffer.from('x') };
    const files = [1, 2].map(() => parse(sealSecrets(keys.publicKey, same)));
    const nonces = files.flatMap(({ secrets }) => Object.values<string>(secrets));
    expect(new Set(nonces.map((text) => text.slice(0, 32)))).to.have.length(4);
    expect(files[0].public_key).to.not.equal(files[1].public_key);
  });

  it('keep the public key that libsodium derives, and faas-cli reads', () => {
    expect(Buffer.from(sodium.crypto_scalarmult_base(keys.privateKey))).to.deep.equal(
      Buffer.from(keys.publicKey),
    );
    const text = `${encodeKey(keys.publicKey)}\n`;
    expect(parsePublicKey(text)).to.deep.equal(keys.publicKey);
    expect(describePublicKey(keys.publicKey)).to.deep.equal({
      key_id: text.slice(0, 8),
      algorithm: 'nacl/box',
      public_key: text.trim(),
    });
  });

  it('can be opened with an older key, in a rotation', () => {
    const text = sealWithSodium(others.publicKey, { a: Buffer.from('old') });
    expect(plain(openSecrets(text, [keys, others]))).to.deep.equal({ a: Buffer.from('old') });
  });

  it('of another key are refused, by name and line', async () => {
    const text = sealWithSodium(others.publicKey, { token: Buffer.from('value-of-others') });
    const error = await expectCode(() => openSecrets(text, [keys], 'secrets.yml'), 'OFC_SECRETS');
    expect(error.message).to.match(/^secrets\.yml line 6: The value of "token" cannot be opened/);
    expect(error.text).to.contain('faas-cli secret seal');
  });

  it('that were changed are refused', async () => {
    const text = sealWithSodium(keys.publicKey, { token: Buffer.from('a value') });
    const [, sealed = ''] = /token: (\S+)/.exec(text) ?? [];
    for (let at = 0; at < Buffer.from(sealed, 'base64').length; at += 5) {
      const bytes = Buffer.from(sealed, 'base64');
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      const changed = text.replace(sealed, bytes.toString('base64'));
      await expectCode(() => openSecrets(changed, [keys]), 'OFC_SECRETS');
    }
  });

  it('in files of another shape are refused, with the line', async () => {
    const good = sealWithSodium(keys.publicKey, { token: Buffer.from('v') });
    const broken: [string, RegExp][] = [
      ['', /"version" is missing/],
      ['version: v99\nalgorithm: nacl/box\n', /line 1: The version is not "v1"/],
      [good.replace('nacl/box', 'aes-gcm'), /line 2: The algorithm is not "nacl\/box"/],
      [good.replace(/public_key: .*/, 'public_key: AAAA'), /line 4: This is not a public key/],
      [good.replace(/token: .*/, 'token: AAAA'), /line 6: The value of "token"/],
      [good.replace(/token: .*/, 'token: [a]'), /line 6: /],
      [good.replace(/token: (\S+)/, 'token: $1!'), /line 6: The value of "token"/],
      [`${good}    token: x\n`, /line 7: The key "token" is there twice/],
      ['a: &a [x, x]\nb: &b [*a, *a]\nc: *d\n', /no anchor/],
      [`a: ${'['.repeat(100_000)}`, /nested too deeply/],
      [`a: ${'x'.repeat(300 * 1024)}`, /larger than/],
    ];
    for (const [text, message] of broken) {
      const error = await expectCode(() => openSecrets(text, [keys]), 'OFC_SECRETS');
      expect(error.message).to.match(message);
    }
  });

  it('have keys that are derived for each owner, so that nobody can use a copy of another’s file', async () => {
    const alice = ownerKeys(keys, parseOwner('alice'));
    const text = sealWithSodium(alice.publicKey, { token: Buffer.from('of alice') });
    expect(plain(openSecrets(text, [ownerKeys(keys, parseOwner('Alice'))]))).to.deep.equal({
      token: Buffer.from('of alice'),
    });
    for (const pair of [
      keys,
      ownerKeys(keys, parseOwner('alice-b')),
      ownerKeys(others, parseOwner('alice')),
    ]) {
      await expectCode(() => openSecrets(text, [pair]), 'OFC_SECRETS');
    }
  });

  it('derive an owner’s key as RFC 5869 says', () => {
    // Extract with an empty salt, then the one block that 32 bytes need.
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(keys.privateKey).digest();
    const expected = createHmac('sha256', extracted)
      .update('openfaas-cloud sealed secrets of alice\x01')
      .digest();
    const { privateKey } = ownerKeys(keys, parseOwner('alice'));
    expect(Buffer.from(privateKey)).to.deep.equal(expected);
  });

  it('need keys of 32 bytes in base64', async () => {
    for (const text of ['', 'x', 'AAAA', '!'.repeat(44), randomBytes(33).toString('base64')]) {
      const error = await expectCode(() => parsePrivateKey(text), 'OFC_CONFIG');
      if (text.length > 1) expect(error.text).to.not.contain(text);
      await expectCode(() => parsePublicKey(text), 'OFC_BAD_REQUEST');
    }
  });
});
