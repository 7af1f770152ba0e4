import { expect } from 'chai';
import * as v from 'valibot';
import {
  maxMessageBytes,
  receiveMessage,
  signedPath,
  singleHeader,
} from '#shared/messages/receive.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { get, signedMessage, testSigner } from '../../helpers/signed-request.ts';

const schema = v.object({ name: v.string(), list: v.optional(v.array(v.number()), []) });
const receive = (request: ReturnType<typeof get>, maxBytes?: number) =>
  receiveMessage(testSigner, 'git-tar', request, schema, maxBytes);

/** A message whose body is not what JSON.stringify gives. */
function signedBytes(rawBody: Buffer): ReturnType<typeof get> {
  const parts = { receiver: 'git-tar', method: 'POST', path: '/', body: rawBody };
  const headers = { [signatureHeader]: testSigner.sign(parts) };
  return { method: 'POST', path: '/', rawQuery: '', headers, rawBody };
}

describe('receiving a message', () => {
  it('gives what the schema makes of it', () => {
    expect(receive(signedMessage('git-tar', { name: 'x', more: 1 }))).to.deep.equal({
      name: 'x',
      list: [],
    });
  });

  it('says where it is malformed', async () => {
    const list = await expectCode(
      () => receive(signedMessage('git-tar', { name: 'x', list: ['a'] })),
      'OFC_BAD_REQUEST',
    );
    expect(list.message).to.include('list.0');
    const text = await expectCode(() => receive(signedBytes(Buffer.from('{'))), 'OFC_BAD_REQUEST');
    expect(text.message).to.include('body');
  });

  it('does not look at what is not signed', async () => {
    const unsigned = { ...signedMessage('git-tar', { name: 'x' }), rawBody: Buffer.from('{') };
    await expectCode(() => receive(unsigned), 'OFC_UNAUTHENTICATED');
  });

  it('refuses what is too large before it computes anything', async () => {
    const large = { ...get(''), method: 'POST', rawBody: Buffer.alloc(maxMessageBytes + 1) };
    await expectCode(() => receive(large), 'OFC_TOO_LARGE');
    await expectCode(() => receive(signedMessage('git-tar', { name: 'x' }), 5), 'OFC_TOO_LARGE');
    const name = 'x'.repeat(maxMessageBytes - 11);
    expect(receive(signedMessage('git-tar', { name })).name).to.equal(name);
  });

  it('refuses a signature header that is given twice', async () => {
    const request = signedMessage('git-tar', { name: 'x' });
    const one = String(request.headers[signatureHeader]);
    for (const twice of [[one, one], `${one}, ${one}`]) {
      const doubled = { ...request, headers: { [signatureHeader]: twice } };
      await expectCode(() => receive(doubled), 'OFC_UNAUTHENTICATED');
    }
  });

  it('takes a header that is there once', () => {
    const request = { ...get('a=b'), headers: { a: 'x', b: ['x', 'y'] } };
    expect(singleHeader(request, 'a')).to.equal('x');
    expect(singleHeader(request, 'b')).to.equal(undefined);
    expect(singleHeader(request, 'c')).to.equal(undefined);
    expect(signedPath(request)).to.equal('/?a=b');
    expect(signedPath(get(''))).to.equal('/');
  });
});
