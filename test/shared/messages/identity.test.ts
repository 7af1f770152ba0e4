import { expect } from 'chai';
import { authoriseOwner } from '#shared/messages/authorise-owner.ts';
import {
  type Identity,
  identityHeader,
  signIdentity,
  verifyIdentity,
} from '#shared/messages/identity.ts';
import { createSigner, signatureHeader } from '#shared/messages/signature.ts';
import { parseOwner } from '#shared/names.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import {
  get,
  signedGet,
  testIdentity,
  testSigner,
  visitorGet,
} from '../../helpers/signed-request.ts';

const alice: Identity = testIdentity({ owners: ['alice', 'acme'] });
let signed: ReturnType<typeof signIdentity>;

const refused = (
  headers: { identity: string | undefined; signature: string | undefined },
  { receiver = 'list-functions', path = '/?user=alice', signer = testSigner } = {},
) => expectCode(() => verifyIdentity(signer, receiver, path, headers), 'OFC_UNAUTHENTICATED');

describe('the identity of a visitor', () => {
  // It is good for a minute, and a run of all tests takes longer.
  beforeEach(() => {
    signed = signIdentity(testSigner, 'list-functions', '/?user=alice', alice);
  });

  it('is read back', () => {
    expect(verifyIdentity(testSigner, 'list-functions', '/?user=alice', signed)).to.deep.equal(
      alice,
    );
  });

  it('cannot be changed, missed or come without a signature', async () => {
    const mallory = Buffer.from(JSON.stringify({ ...alice, owners: ['bob'] })).toString(
      'base64url',
    );
    await refused({ ...signed, identity: mallory });
    await refused({ ...signed, identity: `${signed.identity}A` });
    await refused({ ...signed, identity: undefined });
    await refused({ ...signed, signature: undefined });
  });

  it('is for one function, one path and one minute', async () => {
    await refused(signed, { receiver: 'pipeline-log' });
    await refused(signed, { path: '/?user=bob' });
    await refused(signed, { signer: createSigner({ current: 'other' }) });
    const past = createSigner(
      { current: 'payload-secret-of-the-tests' },
      () => Date.now() - 62_000,
    );
    await refused(signIdentity(past, 'list-functions', '/?user=alice', alice));
  });

  for (const text of [
    '',
    'not json',
    '{}',
    '{"subject":1,"login":"a","owners":[]}',
    '{"subject":"a","login":"b","owners":"bob"}',
  ]) {
    it(`is malformed as ${JSON.stringify(text)}`, async () => {
      const identity = Buffer.from(text).toString('base64url');
      const parts = { receiver: 'r', method: 'IDENTITY', path: '/', body: identity };
      const headers = { identity, signature: testSigner.sign(parts) };
      await refused(headers, { receiver: 'r', path: '/' });
    });
  }
});

describe('who may see what an owner has', () => {
  const owner = parseOwner('acme');
  const authorise = (request: ReturnType<typeof get>) =>
    authoriseOwner(testSigner, 'list-functions', request, owner);

  it('is a function of the platform', () => {
    authorise(signedGet('list-functions', 'user=acme'));
  });

  it('is a member, however the provider spells the owner', () => {
    authorise(visitorGet('list-functions', 'user=acme', ['alice', 'ACME']));
  });

  it('is nobody else', async () => {
    const stranger = visitorGet('list-functions', 'user=acme', ['mallory']);
    const error = await expectCode(() => authorise(stranger), 'OFC_FORBIDDEN');
    expect(error.message).to.equal('mallory may not see what "acme" has.');
    const nobody = visitorGet('list-functions', 'user=acme', []);
    await expectCode(() => authorise(nobody), 'OFC_FORBIDDEN');
    await expectCode(() => authorise(get('user=acme')), 'OFC_UNAUTHENTICATED');
    await expectCode(() => authorise(signedGet('echo', 'user=acme')), 'OFC_UNAUTHENTICATED');
  });

  it('is nobody with the identity for another query, or with a message for an identity', async () => {
    const { headers } = visitorGet('list-functions', 'user=alice', ['acme']);
    const moved = { ...get('user=acme'), headers };
    await expectCode(() => authorise(moved), 'OFC_UNAUTHENTICATED');
    const message = signedGet('list-functions', 'user=acme').headers[signatureHeader];
    const identity = Buffer.from(JSON.stringify(alice)).toString('base64url');
    const mixed = get('user=acme', {
      [identityHeader]: identity,
      [signatureHeader]: String(message),
    });
    await expectCode(() => authorise(mixed), 'OFC_UNAUTHENTICATED');
  });
});
