import { expect } from 'chai';
import { receiveWebhook } from '#shared/webhooks/receive-webhook.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { createReceiving } from '../helpers/github-receiving.ts';
import { githubPayload, githubWebhook, type PushPayload } from '../helpers/github-webhook.ts';
import { get } from '../helpers/signed-request.ts';

const refuse = async (
  request: Parameters<typeof receiveWebhook>[1],
  code: Parameters<typeof expectCode>[1],
  changes = {},
) => {
  const deps = createReceiving(changes);
  const error = await expectCode(receiveWebhook(deps, request), code);
  expect(deps.store.objects.size).to.equal(0);
  expect(deps.messages.of('pushed')).to.deep.equal([]);
  expect(deps.messages.of('collectGarbage')).to.deep.equal([]);
  return error;
};

describe('a webhook with a good signature but a bad request around it', () => {
  it('must be a POST', async () => {
    expect((await refuse(get(''), 'OFC_METHOD')).status).to.equal(405);
    await refuse(get('setup_action=update'), 'OFC_METHOD');
    await refuse({ ...githubWebhook('ping', {}), method: 'PUT' }, 'OFC_METHOD');
  });

  it('must be JSON', async () => {
    for (const type of [
      undefined,
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'text/json',
    ]) {
      const request = githubWebhook('ping', {}, { headers: { 'content-type': type } });
      expect((await refuse(request, 'OFC_MEDIA_TYPE')).status).to.equal(415);
    }
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const answer = await receiveWebhook(createReceiving(), githubWebhook('ping', {}, { headers }));
    expect(answer.status).to.equal(200);
  });

  it('must not be over 25 MB', async () => {
    const request = githubWebhook('ping', Buffer.alloc(25 * 1024 * 1024 + 1, ' '));
    expect((await refuse(request, 'OFC_TOO_LARGE')).status).to.equal(413);
  });

  it('must name its event and its delivery', async () => {
    const bad: Record<string, string | undefined>[] = [
      { 'x-github-event': undefined },
      { 'x-github-event': '' },
      { 'x-github-event': 'Push' },
      { 'x-github-event': 'x'.repeat(51) },
      { 'x-github-delivery': undefined },
      { 'x-github-delivery': '' },
      { 'x-github-delivery': '../../heads' },
      { 'x-github-delivery': 'a'.repeat(5000) },
    ];
    for (const headers of bad) {
      const request = githubWebhook('push', githubPayload('go-fns'), { headers });
      expect((await refuse(request, 'OFC_BAD_REQUEST')).status).to.equal(400);
    }
  });

  it('must have a body that can be read', async () => {
    for (const body of ['null', '[]', '{', '{"ref":1}', JSON.stringify({ ref: 'refs/heads/x' })]) {
      await refuse(githubWebhook('push', body), 'OFC_BAD_REQUEST');
      await refuse(githubWebhook('installation', body), 'OFC_BAD_REQUEST');
    }
  });
});

describe('a push event whose content is hostile', () => {
  const changed = (change: (payload: PushPayload) => void) => {
    const payload = githubPayload('go-fns');
    change(payload);
    return githubWebhook('push', payload);
  };

  const hosts = [
    'https://evil.example/alexellis/go-fns-tester.git',
    'https://github.com.evil.example/alexellis/go-fns-tester.git',
    'https://github.com@evil.example/alexellis/go-fns-tester.git',
    'https://user:token@github.com/alexellis/go-fns-tester.git',
    'http://github.com/alexellis/go-fns-tester.git',
    'https://github.com:8443/alexellis/go-fns-tester.git',
    'https://github.com/alexellis/other.git',
    'https://github.com/alexellis/go-fns-tester.git?x=1',
    'https://github.com/victim/../alexellis/go-fns-tester.git',
    'file:///etc/passwd',
    'ext::sh -c id',
    '--upload-pack=id',
    'http://169.254.169.254/alexellis/go-fns-tester.git',
  ];
  for (const cloneUrl of hosts) {
    it(`may not be cloned from ${cloneUrl}`, async () => {
      const request = changed(({ repository }) => {
        repository.clone_url = cloneUrl;
      });
      await refuse(request, 'OFC_BAD_REQUEST');
    });
  }

  it('may come from the GitHub that the operator names, and then from no other', async () => {
    const githubUrl = 'http://127.0.0.1:8080/git';
    const request = changed(({ repository }) => {
      repository.clone_url = `${githubUrl}/alexellis/go-fns-tester.git`;
    });
    expect((await receiveWebhook(createReceiving({ githubUrl }), request)).status).to.equal(202);
    await refuse(githubWebhook('push', githubPayload('go-fns')), 'OFC_BAD_REQUEST', { githubUrl });
  });

  it('may not name one repo and clone another', async () => {
    const request = changed(({ repository }) => {
      repository.full_name = 'victim/secret';
      repository.clone_url = 'https://github.com/victim/secret.git';
    });
    await refuse(request, 'OFC_BAD_REQUEST');
  });

  const names: Record<string, (payload: PushPayload) => void> = {
    'an owner of dots': ({ repository }) => {
      repository.owner.login = '..';
    },
    'an empty owner': ({ repository }) => {
      repository.owner.login = '';
    },
    'an owner who is the platform': ({ repository }) => {
      repository.owner.login = 'system';
    },
    'a repo with a slash': ({ repository }) => {
      repository.name = 'a/b';
    },
    'a repo that leaves its folder': ({ repository }) => {
      repository.name = '..';
    },
    'a branch that is an option': (payload) => {
      payload.ref = 'refs/heads/--upload-pack=id';
    },
    'a branch with a line end': (payload) => {
      payload.ref = 'refs/heads/x\n/y';
    },
    'no branch at all': (payload) => {
      payload.ref = 'refs/heads/';
    },
    'a short commit': (payload) => {
      payload.after = '27c584a';
    },
    'a commit that is a command': (payload) => {
      payload.after = '$(id)';
    },
  };
  for (const [what, change] of Object.entries(names)) {
    it(`is refused: ${what}`, async () => {
      expect((await refuse(changed(change), 'OFC_NAME_INVALID')).status).to.equal(422);
    });
  }

  it('may not take over the delivery of another push', async () => {
    const deps = createReceiving();
    const delivery = '72d3162e-cc78-11e3-81ab-4c9367dc0958';
    await receiveWebhook(deps, githubWebhook('push', githubPayload('go-fns'), { delivery }));
    const other = githubWebhook('push', githubPayload('push-apr'), { delivery });
    await expectCode(receiveWebhook(deps, other), 'OFC_BAD_REQUEST');
    expect(deps.messages.of('pushed')).to.have.length(1);
  });
});
