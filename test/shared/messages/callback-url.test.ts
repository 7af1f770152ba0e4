import { expect } from 'chai';
import { signedCallbackUrl, verifyCallbackQuery } from '#shared/messages/callback-url.ts';
import { createSigner } from '#shared/messages/signature.ts';
import { expectCode } from '../../helpers/expect-code.ts';

const at = 1_700_000_000_000;
const signerAt = (time: number) => createSigner({ current: 'secret' }, () => time);
const signer = signerAt(at);
const query = { owner: 'alice', repo: 'a b&c=d', id: 'x', claim: 'build/fn' };
const url = signedCallbackUrl(signer, 'http://gateway:8080', 'buildshiprun', query);
const rawQuery = url.split('?')[1] ?? '';

const refused = (text: string, by = signer, receiver = 'buildshiprun') =>
  expectCode(() => verifyCallbackQuery(by, receiver, text), 'OFC_UNAUTHENTICATED');

describe('callback URLs', () => {
  it('go through the queue to the function that goes on', () => {
    expect(url).to.match(/^http:\/\/gateway:8080\/async-function\/buildshiprun\?claim=build%2Ffn&/);
  });

  it('give back what was signed, in whatever order and encoding', () => {
    expect(verifyCallbackQuery(signer, 'buildshiprun', rawQuery)).to.deep.equal(query);
    const turned = rawQuery.split('&').reverse().join('&').replaceAll('+', '%20');
    expect(verifyCallbackQuery(signer, 'buildshiprun', turned)).to.deep.equal(query);
  });

  for (const [name, text] of [
    ['a parameter is changed', rawQuery.replace('alice', 'mallory')],
    ['a parameter is added', `${rawQuery}&x=y`],
    ['a parameter is removed', rawQuery.replace('owner=alice&', '')],
    ['a parameter is given twice', `${rawQuery}&owner=mallory`],
    ['a parameter is given twice in front', `owner=mallory&${rawQuery}`],
    ['a parameter is given twice with one value', `${rawQuery}&owner=alice`],
    ['there is no signature', rawQuery.replace(/&signature=[^&]*/, '')],
    ['the signature is empty', rawQuery.replace(/signature=[^&]*/, 'signature=')],
    ['another signature stands in front', `signature=v1&${rawQuery}`],
    ['there is nothing', ''],
  ] as const) {
    it(`are refused where ${name}`, () => refused(text));
  }

  it('are refused by another function, with another secret, and when they are old', async () => {
    await refused(rawQuery, signer, 'git-tar');
    await refused(
      rawQuery,
      createSigner({ current: 'other' }, () => at),
    );
    await refused(rawQuery, signerAt(at + 3_601_000));
    expect(() =>
      verifyCallbackQuery(signerAt(at + 9000), 'buildshiprun', rawQuery, 10),
    ).to.not.throw();
    const late = () => verifyCallbackQuery(signerAt(at + 11_000), 'buildshiprun', rawQuery, 10);
    await expectCode(late, 'OFC_UNAUTHENTICATED');
  });
});
