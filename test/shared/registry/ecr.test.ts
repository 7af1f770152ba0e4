import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { prepareEcrRepository } from '#shared/registry/ecr.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';

const signal = new AbortController().signal;
const image = (account: string) =>
  `${account}.dkr.ecr.eu-west-1.amazonaws.com/openfaas-cloud/alice/hello-fn:1`;
const variables = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'a secret key' };

describe('Amazon’s registry', () => {
  let api: TestServer;
  let calls: { operation: string; body: Record<string, unknown>; authorization: string }[];
  let answerCreate: (response: ServerResponse) => void;
  const environment = { ...process.env };

  beforeEach(async () => {
    Object.assign(process.env, variables);
    calls = [];
    answerCreate = (response) => response.end('{"repository":{}}');
    api = await listen(async (request, response) => {
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      const body = JSON.parse(String(await buffer(request)));
      calls.push({ operation, body, authorization: request.headers.authorization ?? '' });
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      if (operation === 'CreateRepository') return answerCreate(response);
      const authorizationToken = Buffer.from('AWS:the-token').toString('base64');
      response.end(JSON.stringify({ authorizationData: [{ authorizationToken }] }));
    });
  });
  afterEach(async () => {
    await api.close();
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, environment);
  });
  const refuse = (status: number, type: string) => {
    answerCreate = (response) => {
      response.writeHead(status, { 'x-amzn-errortype': type });
      response.end(JSON.stringify({ __type: type, message: 'no' }));
    };
  };

  it('gets the repository before the push, and gives a login, which is kept', async () => {
    const login = await prepareEcrRepository(image('111111111111'), signal, api.url);
    expect(login).to.deep.equal({ username: 'AWS', secret: 'the-token' });
    expect(calls.map(({ operation }) => operation)).to.deep.equal([
      'CreateRepository',
      'GetAuthorizationToken',
    ]);
    expect(calls[0]?.body).to.include({ repositoryName: 'openfaas-cloud/alice/hello-fn' });
    expect(calls[0]?.authorization).to.match(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/.*eu-west-1/,
    );
    await prepareEcrRepository(image('111111111111'), signal, api.url);
    expect(calls.map(({ operation }) => operation).slice(2)).to.deep.equal(['CreateRepository']);
  });

  it('may have the repository already', async () => {
    refuse(400, 'RepositoryAlreadyExistsException');
    const login = await prepareEcrRepository(image('222222222222'), signal, api.url);
    expect(login).to.include({ secret: 'the-token' });
  });

  it('may refuse us, which the operator must mend', async () => {
    refuse(400, 'AccessDeniedException');
    const refused = prepareEcrRepository(image('333333333333'), signal, api.url);
    expect((await expectCode(refused, 'OFC_CONFIG')).text).to.contain('ecr:CreateRepository');
  });

  it('is asked again later if it does not answer', async () => {
    const url = api.url;
    await api.close();
    await expectCode(prepareEcrRepository(image('444444444444'), signal, url), 'OFC_UPSTREAM');
  }).timeout(10_000);

  it('is not asked about images of others', async () => {
    for (const other of [
      'registry.example/a/b:1',
      'dkr.ecr.eu-west-1.amazonaws.com/a/b:1',
      'a/b',
    ]) {
      expect(await prepareEcrRepository(other, signal, api.url)).to.equal(undefined);
    }
    expect(calls).to.deep.equal([]);
  });
});
