import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { verifyGithubWebhook } from '#shared/scm/github/verify-webhook.ts';
import { receiveWebhook } from '#shared/webhooks/receive-webhook.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { createReceiving } from '../helpers/github-receiving.ts';
import {
  githubPayload,
  githubWebhook,
  hubSignature,
  webhookSecret,
} from '../helpers/github-webhook.ts';

const sha1 = (body: Buffer | string, secret = webhookSecret) =>
  `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`;

describe('a webhook that GitHub did not sign', () => {
  const body = Buffer.from(JSON.stringify(githubPayload('go-fns')));
  const good = hubSignature(body);
  const forged: Record<string, string | undefined> = {
    'no signature': undefined,
    'an empty one': '',
    'another secret': hubSignature(body, 'guess'),
    'the signature of another body': hubSignature('{}'),
    'one digit flipped': good.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
    'a shorter one': good.slice(0, -2),
    'a longer one': `${good}00`,
    'the digest alone': good.slice('sha256='.length),
    'another method': good.replace('sha256=', 'sha512='),
    'upper case': good.toUpperCase(),
    'SHA-1 in its place': sha1(body),
    'an old header row: sha1': 'sha1',
    'an old header row: sha1=': 'sha1=',
    'an old header row: sha1=zz': 'sha1=zz',
  };
  for (const [what, signature] of Object.entries(forged)) {
    it(`is refused: ${what}`, async () => {
      const deps = createReceiving();
      const headers = { 'x-hub-signature-256': signature };
      const error = await expectCode(
        receiveWebhook(deps, githubWebhook('push', body, { headers })),
        'OFC_UNAUTHENTICATED',
      );
      expect(error.status).to.equal(401);
      expect(error.text).to.not.contain(good.slice(7));
      expect(deps.store.objects.size).to.equal(0);
      expect(deps.messages.sent).to.deep.equal([]);
    });
  }

  it('is refused for every event, before anything is parsed or looked up', async () => {
    const customers = {
      has: () => {
        throw new Error('looked up');
      },
    };
    const headers = { 'x-hub-signature-256': hubSignature('x') };
    for (const event of ['ping', 'push', 'installation', 'installation_repositories', 'other']) {
      const request = githubWebhook(event, '{', { headers });
      await expectCode(
        receiveWebhook(createReceiving({ customers }), request),
        'OFC_UNAUTHENTICATED',
      );
    }
  });

  it('is refused with a byte changed anywhere', async () => {
    for (let at = 0; at < body.length; at += 97) {
      const changed = Buffer.from(body);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const request = githubWebhook('push', changed, { headers: { 'x-hub-signature-256': good } });
      await expectCode(receiveWebhook(createReceiving(), request), 'OFC_UNAUTHENTICATED');
    }
  });

  it('is refused with bytes that only decode to what was signed', async () => {
    const signed = Buffer.from('{"zen":"\ufffd"}');
    const other = Buffer.from(signed.toString('latin1').replace('\xef\xbf\xbd', '\xff'), 'latin1');
    expect(other.toString('utf8')).to.equal(signed.toString('utf8'));
    const headers = { 'x-hub-signature-256': hubSignature(signed) };
    await expectCode(
      receiveWebhook(createReceiving(), githubWebhook('ping', other, { headers })),
      'OFC_UNAUTHENTICATED',
    );
    const answer = await receiveWebhook(createReceiving(), githubWebhook('ping', signed));
    expect(answer.status).to.equal(200);
  });

  it('is refused with SHA-1, unless the operator allows it, and only without SHA-256', async () => {
    const only = { 'x-hub-signature-256': undefined, 'x-hub-signature': sha1(body) };
    const old = githubWebhook('push', body, { headers: only });
    await expectCode(receiveWebhook(createReceiving(), old), 'OFC_UNAUTHENTICATED');
    const answer = await receiveWebhook(createReceiving({ allowSha1: true }), old);
    expect(answer.status).to.equal(202);
    const wrong = { 'x-hub-signature-256': hubSignature('{}'), 'x-hub-signature': sha1(body) };
    const both = githubWebhook('push', body, { headers: wrong });
    await expectCode(
      receiveWebhook(createReceiving({ allowSha1: true }), both),
      'OFC_UNAUTHENTICATED',
    );
  });

  it('is accepted with the secret before, while that is being replaced', async () => {
    const headers = { 'x-hub-signature-256': hubSignature(body, 'old') };
    const secrets = { current: webhookSecret, previous: 'old' };
    const answer = await receiveWebhook(
      createReceiving({ secrets }),
      githubWebhook('push', body, { headers }),
    );
    expect(answer.status).to.equal(202);
  });
});

describe("the original's vectors of a signed body (SHA-1; we take them only where it is allowed)", () => {
  const check = (body: string, key: string, header: string) =>
    verifyGithubWebhook(
      Buffer.from(body),
      { sha256: undefined, sha1: header },
      { current: key },
      { allowSha1: true },
    );

  it('accepts what was accepted', async () => {
    const stored = 'sha1=805c32cea5b377c5ec65489027a345f58c872136';
    await check('Store this string', 'key-goes-here', stored);
    await check('a', 'k', 'sha1=40e7d441cadb17b07f050341aa23a6820ed81c8b');
    await check('a', 'k', 'sha1=40E7D441CADB17B07F050341AA23A6820ED81C8B');
    await check('', 'secret', 'sha1=25af6174a0fcecc4d346680a72b7ce644b9a88e8');
  });

  it('refuses what was refused', async () => {
    const stored = 'sha1=805c32cea5b377c5ec65489027a345f58c872136';
    await expectCode(check('Store this string', 'key-', stored), 'OFC_UNAUTHENTICATED');
    for (const header of ['', 'sha1', 'sha1=', 'sha256=00', 'sha1=zz']) {
      await expectCode(check('a', 'k', header), 'OFC_UNAUTHENTICATED');
    }
  });

  it("accepts the example of GitHub's documentation", async () => {
    await verifyGithubWebhook(
      Buffer.from('Hello, World!'),
      {
        sha256: 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
        sha1: undefined,
      },
      { current: "It's a Secret to Everybody" },
    );
  });
});
