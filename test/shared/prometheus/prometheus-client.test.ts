import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';

describe('the Prometheus client', () => {
  let server: TestServer;
  let answer: { status: number; body: string };
  let asked: { path: string; form: URLSearchParams } | undefined;

  before(async () => {
    server = await listen(async (request: IncomingMessage, response) => {
      asked = { path: request.url ?? '', form: new URLSearchParams(await text(request)) };
      response.writeHead(answer.status).end(answer.body);
    });
  });
  after(() => server.close());
  const client = () => createPrometheusClient(server.url, 2000);
  const says = (data: unknown, status = 'success') => {
    answer = { status: 200, body: JSON.stringify({ status, data }) };
  };

  it('reads values', async () => {
    says({
      resultType: 'vector',
      result: [
        { metric: { code: '200' }, value: [1, '2.5'] },
        { metric: { code: '500' }, value: [1, 'NaN'] },
        { metric: { code: '501' }, value: [1, '+Inf'] },
      ],
    });
    expect(await client().query('sum(up)')).to.deep.equal([
      { labels: { code: '200' }, value: 2.5 },
      { labels: { code: '500' }, value: Number.NaN },
      { labels: { code: '501' }, value: Number.POSITIVE_INFINITY },
    ]);
    expect([asked?.path, asked?.form.get('query')]).to.deep.equal(['/api/v1/query', 'sum(up)']);
  });

  it('reads values over time', async () => {
    says({
      resultType: 'matrix',
      result: [
        {
          metric: {},
          values: [
            [1, '2'],
            [16, '3'],
          ],
        },
      ],
    });
    const range = { start: 1, end: 16, step: 15 };
    expect(await client().queryRange('up', range)).to.deep.equal([
      {
        labels: {},
        points: [
          [1, 2],
          [16, 3],
        ],
      },
    ]);
    expect(Object.fromEntries(asked?.form ?? [])).to.deep.equal({
      query: 'up',
      start: '1',
      end: '16',
      step: '15',
    });
  });

  it('says when there is no answer it can use', async () => {
    const failing = [
      { status: 400, body: '{"status":"error","error":"parse error"}' },
      { status: 200, body: '<html>' },
      { status: 200, body: '{"status":"error"}' },
      { status: 200, body: '{"status":"success","data":{"resultType":"matrix","result":[]}}' },
      { status: 302, body: '' },
    ];
    for (const each of failing) {
      answer = each;
      await expectCode(client().query('up'), 'OFC_UPSTREAM');
    }
    await expectCode(createPrometheusClient('http://127.0.0.1:1').query('up'), 'OFC_UPSTREAM');
  });
});
