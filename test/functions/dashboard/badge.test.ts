import { expect } from 'chai';
import { dashboardStage, labels, listed } from './stage.ts';

describe('a badge', () => {
  const { asked, answers, deployed, send } = dashboardStage('page');

  const badge = (path: string) => send(`/badge/${path}`);

  it('shows everybody that a function of a public repo is live', async () => {
    await deployed();
    const answer = await badge('alice/hello.svg');
    expect(answer.status).to.equal(200);
    expect(answer.headers['content-type']).to.include('image/svg+xml');
    expect(answer.headers['cache-control']).to.equal('public, max-age=60');
    expect(answer.body).to.include('hello: live aaaaaaa');
    const before = asked.length;
    await badge('alice/hello.svg');
    expect(asked.length).to.equal(before);
  });

  it('does not tell a private one from one that is not there', async () => {
    const secret = { ...labels('alice'), 'com.openfaas.cloud.git-private': '1' };
    answers['list-functions'] = {
      body: JSON.stringify([
        listed('alice-secret', { labels: secret }),
        listed('alice-old', { labels: labels('alice') }),
      ]),
    };
    const unknown = await badge('alice/nothing.svg');
    for (const name of ['alice/secret.svg', 'alice/old.svg', 'bob/secret.svg']) {
      const answer = await badge(name);
      expect([answer.status, answer.body]).to.deep.equal([404, unknown.body]);
    }
    for (const name of ['', 'alice', 'alice/x', 'alice/%3Csvg%3E.svg', '%ff/x.svg', '../x.svg']) {
      expect((await badge(name)).status, name).to.equal(404);
    }
  });
});
