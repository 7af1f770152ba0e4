import { expect } from 'chai';
import * as v from 'valibot';
import { signedCallbackUrl, verifyCallbackQuery } from '#shared/messages/callback-url.ts';
import { signIdentity, verifyIdentity } from '#shared/messages/identity.ts';
import { type ReceivedRequest, receiveMessage } from '#shared/messages/receive.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { deploymentRefSchema, refOf } from '#shared/pipeline/deployment.ts';
import { createMessages, garbageMessageSchema } from '#shared/pipeline/messages.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { testFunction, testPush } from '../helpers/pipeline-fixtures.ts';
import { signedMessage, testIdentity, testSigner } from '../helpers/signed-request.ts';

const receivers = ['git-tar', 'of-builder', 'buildshiprun', 'github-status', 'garbage-collect'];
const anything = v.unknown();

describe('messages between functions, against somebody inside the network', () => {
  it('one for a function is worth nothing at any other', async () => {
    for (const from of receivers) {
      const message = signedMessage(from, { owner: 'alice' });
      for (const to of receivers) {
        const receive = () => receiveMessage(testSigner, to, message, anything);
        if (from === to) receive();
        else await expectCode(receive, 'OFC_UNAUTHENTICATED');
      }
    }
  });

  it('no byte of the body can be flipped', async () => {
    const message = signedMessage('garbage-collect', { owner: 'alice', repo: '*', functions: [] });
    for (let index = 0; index < message.rawBody.length; index += 1) {
      const rawBody = Buffer.from(message.rawBody);
      rawBody.writeUInt8(rawBody.readUInt8(index) ^ 1, index);
      const receive = () =>
        receiveMessage(testSigner, 'garbage-collect', { ...message, rawBody }, anything);
      await expectCode(receive, 'OFC_UNAUTHENTICATED');
    }
  });

  it('neither the method nor the path nor the query can be changed', async () => {
    const message = signedMessage('git-tar', {});
    const changes: Partial<ReceivedRequest>[] = [
      { method: 'GET' },
      { path: '//' },
      { path: '/x' },
      { rawQuery: 'claim=plan' },
    ];
    for (const change of changes) {
      const receive = () =>
        receiveMessage(testSigner, 'git-tar', { ...message, ...change }, anything);
      await expectCode(receive, 'OFC_UNAUTHENTICATED');
    }
  });

  it('a callback URL, an identity and a message never stand for one another', async () => {
    const url = signedCallbackUrl(testSigner, 'http://gw', 'buildshiprun', { a: 'b' });
    const query = new URLSearchParams(url.split('?')[1]);
    const ofCallback = query.get('signature') ?? '';
    const asMessage: ReceivedRequest = {
      method: 'POST',
      path: '/',
      rawQuery: 'a=b',
      headers: { [signatureHeader]: ofCallback },
      rawBody: Buffer.alloc(0),
    };
    await expectCode(
      () => receiveMessage(testSigner, 'buildshiprun', asMessage, anything),
      'OFC_UNAUTHENTICATED',
    );
    const visitor = testIdentity();
    const { identity, signature } = signIdentity(testSigner, 'buildshiprun', '/', visitor);
    await expectCode(
      () =>
        receiveMessage(
          testSigner,
          'buildshiprun',
          {
            ...asMessage,
            rawQuery: '',
            headers: { [signatureHeader]: signature },
            rawBody: Buffer.from(identity),
          },
          anything,
        ),
      'OFC_UNAUTHENTICATED',
    );
    await expectCode(
      () => verifyCallbackQuery(testSigner, 'buildshiprun', `a=b&signature=${signature}`),
      'OFC_UNAUTHENTICATED',
    );
    await expectCode(
      () => verifyIdentity(testSigner, 'buildshiprun', '/', { identity, signature: ofCallback }),
      'OFC_UNAUTHENTICATED',
    );
  });

  it('names in a message are parsed, also in one that is signed', async () => {
    const good = refOf(testPush());
    for (const bad of [
      { ...good, owner: '../bob' },
      { ...good, owner: 'system' },
      { ...good, repo: '..' },
      { ...good, repo: 'a/b' },
      { ...good, id: '../../heads' },
      { ...good, id: `${good.id}/` },
      { owner: 'alice' },
      [],
      null,
    ]) {
      const receive = () =>
        receiveMessage(testSigner, 'git-tar', signedMessage('git-tar', bad), deploymentRefSchema);
      await expectCode(receive, 'OFC_BAD_REQUEST');
    }
    for (const bad of [
      { repo: '*' },
      { owner: 'alice', repo: '', functions: [] },
      { owner: '*', repo: '*', functions: [] },
    ]) {
      const message = signedMessage('garbage-collect', bad);
      const receive = () =>
        receiveMessage(testSigner, 'garbage-collect', message, garbageMessageSchema);
      await expectCode(receive, 'OFC_BAD_REQUEST');
    }
  });

  it('every message of the pipeline is signed for its receiver, and small', async () => {
    const sent: { name: string; body: string; headers: Record<string, string> }[] = [];
    const gateway = {
      invokeAsync: async (
        name: string,
        body: string | Buffer,
        options: { headers?: Readonly<Record<string, string>> } = {},
      ) => {
        sent.push({ name, body: String(body), headers: { ...options.headers } });
      },
    };
    const messages = createMessages(gateway, testSigner, 'http://gw');
    const push = testPush();
    const ref = refOf(push);
    await messages.pushed(push);
    await messages.plan(ref);
    await messages.build(ref, testFunction('fn').key);
    await messages.advance(ref);
    await messages.status(push);
    await messages.collectGarbage({ owner: push.owner, repo: '*', functions: [] });
    await messages.audit({ source: 'test', message: 'x' });
    expect(sent.map(({ name }) => name)).to.deep.equal([
      'github-push',
      'git-tar',
      'of-builder',
      'buildshiprun',
      'github-status',
      'garbage-collect',
      'audit-event',
    ]);
    for (const { name, body, headers } of sent) {
      const request = {
        method: 'POST',
        path: '/',
        rawQuery: '',
        headers,
        rawBody: Buffer.from(body),
      };
      receiveMessage(testSigner, name, request, anything);
      expect(body.length).to.be.lessThan(32 * 1024);
    }
    const claims = sent.flatMap(({ headers }) => {
      const url = headers['x-callback-url'];
      return url === undefined
        ? []
        : [verifyCallbackQuery(testSigner, 'buildshiprun', url.split('?')[1] ?? '')];
    });
    expect(claims.map(({ claim }) => claim)).to.deep.equal(['plan', 'build/fn']);
    expect(claims[0]).to.include({ owner: 'alice', repo: 'hello', id: ref.id });
  });

  it('an audit entry that cannot be sent stops nothing, any other message does', async () => {
    const gateway = { invokeAsync: () => Promise.reject(new Error('full')) };
    const messages = createMessages(gateway, testSigner, 'http://gw');
    await messages.audit({ source: 'test', message: 'x' });
    let thrown: unknown;
    await messages.status(testPush()).catch((error: unknown) => {
      thrown = error;
    });
    expect(thrown).to.be.instanceOf(Error);
  });
});
