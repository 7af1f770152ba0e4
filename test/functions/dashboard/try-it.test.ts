import { expect } from 'chai';
import type { Identity } from '#shared/messages/identity.ts';
import type { TriedAnswer } from '../../../functions/dashboard/api/schemas.ts';
import { dashboardStage, listed } from './stage.ts';

describe('the dashboard tries a function', () => {
  const { tried, answers, post, compared } = dashboardStage('try-it');

  const trial = {
    owner: 'alice',
    function: 'hello',
    method: 'POST',
    path: '/a?b=c',
    headers: [],
  };
  const run = async (changes: object, who?: Partial<Identity>) =>
    await post('try', { ...trial, body: 'hi', ...changes }, who);

  it('and gives its answer, as it is', async () => {
    const headers = [
      { name: 'X-Mine', value: '1' },
      { name: 'Authorization', value: 'Bearer own' },
    ];
    const answer = JSON.parse((await run({ headers })).body) as TriedAnswer;
    expect(answer).to.include({ status: 201, body: 'hi', truncated: false });
    expect(answer.headers).to.deep.include({ name: 'x-own', value: 'yes' });
    expect(tried[0]).to.include({ method: 'POST', path: '/a?b=c' });
    expect(tried[0]?.headers).to.include({ 'x-mine': '1', authorization: 'Bearer own' });
    expect(tried[0]?.headers['x-forwarded-host']).to.equal('alice.localhost:8080');
  });

  it('with nothing that only the platform may say', async () => {
    const headers = ['X-Cloud-Signature', 'x-cloud-identity', 'Host', 'X-Forwarded-For'].map(
      (name) => ({ name, value: 'forged' }),
    );
    headers.push({ name: 'Cookie', value: 'openfaas_cloud_token=stolen; mine=1' });
    headers.push({ name: 'authorization', value: `Bearer ofc_github.1.${'x'.repeat(43)}` });
    expect((await run({ headers })).status).to.equal(200);
    const text = JSON.stringify(tried[0]?.headers);
    expect(text).not.to.match(/forged|stolen|ofc_/);
    expect(tried[0]?.headers.cookie).to.equal('mine=1');
  });

  it('and none of its redirects, nor more of its answer than fits', async () => {
    expect(JSON.parse((await run({ path: '/away' })).body)).to.include({ status: 302 });
    const long = JSON.parse((await run({ path: '/long' })).body) as TriedAnswer;
    expect([long.truncated, long.body.length]).to.deep.equal([true, 256 * 1024]);
  });

  it('and nothing but that function', async () => {
    for (const path of ['/../bob-x', '/%2e%2e/bob-x', '//x', '/a\\b', '/..%2fx', '/a b', '/#x']) {
      expect((await run({ path })).status, path).to.equal(400);
    }
    for (const odd of [{ method: 'CONNECT' }, { path: 'http://x/' }, { function: 'other' }]) {
      expect((await run(odd)).status, JSON.stringify(odd)).to.be.oneOf([400, 404]);
    }
    for (const headers of [[{ name: 'a\r\nb', value: '' }], [{ name: 'a', value: '\r\nx: y' }]]) {
      expect((await run({ headers })).status).to.equal(400);
    }
    expect((await run({}, { login: 'mallory', owners: ['mallory'] })).status).to.equal(404);
    expect((await run({}, { readOnly: true })).status).to.equal(403);
    const annotations = { 'com.openfaas.cloud.auth': 'owner' };
    answers['list-functions'] = {
      body: JSON.stringify([listed('alice-hello', { annotations })]),
    };
    expect((await run({}, { login: 'bob', owners: ['bob', 'alice'] })).status).to.equal(403);
    expect(tried).to.deep.equal([]);
  });

  it('answers as the description says', compared);
});
