import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { expect } from 'chai';
import { createSigner, type SignedParts } from '#shared/messages/signature.ts';
import { expectCode } from '../../helpers/expect-code.ts';

const at = 1_700_000_000_000;
const parts: SignedParts = {
  receiver: 'git-tar',
  method: 'POST',
  path: '/?step=x',
  body: '{"a":1}',
};
const signer = createSigner({ current: 'the payload secret' }, () => at);
const good = signer.sign(parts);

const refused = (header: string | undefined, changed: Partial<SignedParts> = {}, maxAge?: number) =>
  expectCode(() => signer.verify({ ...parts, ...changed }, header, maxAge), 'OFC_UNAUTHENTICATED');

describe('signatures of messages', () => {
  it('have a value that other implementations can reach: HKDF-SHA-256 key, HMAC-SHA-256', () => {
    const info = 'ofc-message-v1:git-tar';
    const key = Buffer.from(hkdfSync('sha256', 'the payload secret', 'openfaas-cloud', info, 32));
    const digest = createHash('sha256').update('{"a":1}').digest('hex');
    const text = `v1\ngit-tar\nPOST\n/?step=x\n1700000000\n${digest}`;
    const mac = createHmac('sha256', key).update(text).digest('hex');
    expect(good).to.equal(`v1,1700000000,${mac}`);
    expect(good).to.equal(
      'v1,1700000000,1647ab0af8e29ec5630c0a916d8a353fd492f58c1b0155740040ddd912ca6d97',
    );
  });

  it('hold for what was signed, as text or bytes', () => {
    signer.verify(parts, good);
    signer.verify({ ...parts, body: Buffer.from('{"a":1}') }, good);
  });

  for (const [name, changed] of [
    ['the body', { body: '{"a":2}' }],
    ['white space in the body', { body: '{"a":1} ' }],
    ['no body', { body: '' }],
    ['the path', { path: '/x?step=x' }],
    ['the query', { path: '/?step=y' }],
    ['no query', { path: '/' }],
    ['a parameter more', { path: '/?step=x&a=b' }],
    ['the method', { method: 'PUT' }],
    ['the case of the method', { method: 'post' }],
    ['the receiver', { receiver: 'of-builder' }],
    ['what moves from one part to the next', { method: 'POST\n/?step=x', path: '' }],
  ] as const) {
    it(`do not hold for ${name} changed`, () => refused(good, changed));
  }

  it('do not hold with any of their characters changed', async () => {
    for (let index = 0; index < good.length; index += 1) {
      const flipped = good[index] === '0' ? '1' : '0';
      await refused(good.slice(0, index) + flipped + good.slice(index + 1));
    }
  });

  for (const header of [
    undefined,
    '',
    'v1',
    'v2,1700000000,'.padEnd(79, '0'),
    good.toUpperCase(),
    good.slice(0, -1),
    `${good}0`,
    ` ${good}`,
    `${good}\n`,
    `${good}, ${good}`,
    good.replace('v1,', 'v1,-'),
    good.replace('1700000000', '1.7e9'),
    'sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709',
  ]) {
    it(`are malformed as ${JSON.stringify(header)?.slice(0, 40) ?? 'undefined'}`, async () => {
      expect((await refused(header)).message).to.include('malformed');
    });
  }

  it('hold until they are too old, and a minute before they are made', async () => {
    const later = (seconds: number) =>
      createSigner({ current: 'the payload secret' }, () => at + seconds * 1000);
    later(3600).verify(parts, good);
    await expectCode(() => later(3601).verify(parts, good), 'OFC_UNAUTHENTICATED');
    later(10).verify(parts, good, 10);
    await expectCode(() => later(11).verify(parts, good, 10), 'OFC_UNAUTHENTICATED');
    later(-60).verify(parts, good);
    const error = await expectCode(() => later(-61).verify(parts, good), 'OFC_UNAUTHENTICATED');
    expect(error.message).to.include('out of date');
  });

  it('cannot be made younger', () => refused(good.replace('1700000000', '1700000001')));

  it('are accepted with the secret before, which signs nothing any more', async () => {
    const next = createSigner({ current: 'next', previous: 'the payload secret' }, () => at);
    next.verify(parts, good);
    next.verify(parts, next.sign(parts));
    await refused(next.sign(parts));
    const over = createSigner({ current: 'next', previous: undefined }, () => at);
    await expectCode(() => over.verify(parts, good), 'OFC_UNAUTHENTICATED');
    over.verify(parts, next.sign(parts));
  });

  it('are refused without telling the right one', async () => {
    const { text } = await refused(good, { body: 'x' });
    const right = signer.sign({ ...parts, body: 'x' }).split(',')[2] ?? '';
    expect(text).to.not.include(right).and.not.include('the payload secret');
  });
});
