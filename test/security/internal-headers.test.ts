import { expect } from 'chai';
import { buildStage, type Stage, sendJson } from '../functions/of-router/stage.ts';
import { sendRaw } from '../helpers/http-client.ts';
import { testIdentity } from '../helpers/signed-request.ts';

/** What only the platform says, and what a function would believe. */
const internal = [
  'X-Cloud-Identity',
  'X-Cloud-Signature',
  'X-Cloud-Session',
  'X-Cloud-Token',
  'X-Cloud-Visitor',
  'X-Cloud-Anything',
  'X-Callback-Url',
  'X-Function-Status',
  'X-Function-Name',
  'X-Call-Id',
  'X-Start-Time',
  'X-Real-Ip',
  'X-Openfaas-Internal',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-User',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'Forwarded',
  'Proxy',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Te',
  'Trailer',
  'Keep-Alive',
];

/** The same name to some reader: fields have no case, and CGI and WSGI read "_" as "-". */
const spellings: ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toLowerCase(),
  (name) => name.toUpperCase(),
  (name) => name.replaceAll('-', '_'),
  (name) => name.toUpperCase().replaceAll('-', '_'),
  (name) => name.replace('-', '_'),
];

const evil = 'evil-value';

describe('fields that only the platform may say', () => {
  let stage: Stage;
  let answered: string[] = [];
  before(async () => {
    stage = await buildStage({
      auth: (_, response) =>
        sendJson(response, { allow: true, cacheSeconds: 0, identity: testIdentity() }),
      answer: (_, response) => response.writeHead(200, answered).end('hello'),
    });
  });
  after(() => stage.close());
  const ask = async (host: string, path: string, lines: string[]) => {
    stage.seen.length = 0;
    const head = [`GET ${path} HTTP/1.1`, 'Host: x', `X-Forwarded-Host: ${host}`, ...lines];
    const answer = await sendRaw(stage.port, `${head.join('\r\n')}\r\nConnection: close\r\n\r\n`);
    return { answer, received: stage.seen[0]?.rawHeaders.join('\n') ?? '' };
  };

  for (const name of internal) {
    it(`are not taken from a visitor: ${name}, in any spelling, once and twice`, async () => {
      for (const spell of new Set(spellings.map((each) => each(name)))) {
        for (const [host, path] of [
          ['alice.example.com', '/hello'],
          ['system.example.com', '/list-functions'],
          ['system.example.com', '/auth/logout'],
        ] as const) {
          const field = `${spell}: ${evil}`;
          for (const lines of [[field], [field, `${spell}: ${evil} 2`]]) {
            const { answer, received } = await ask(host, path, lines);
            expect(answer, field).to.match(/^HTTP\/1\.1 200 /);
            expect(received, field).to.contain('x-call-id');
            expect(received, `${host} ${field}`).to.not.contain(evil);
          }
        }
      }
    });
  }

  it('are not taken away by naming them in Connection', async () => {
    const own = ['x-call-id', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];
    const platform = [...own, 'x-cloud-identity', 'x-cloud-signature'];
    for (const names of [platform.join(', '), platform.join(',').replaceAll('-', '_')]) {
      const { received } = await ask('system.example.com', '/list-functions', [
        `Connection: close, ${names}`,
      ]);
      for (const name of platform) expect(received.split('\n'), name).to.include(name);
    }
  });

  it('are not taken from a function, nor is what concerns one connection', async () => {
    const names = ['X-Cloud-Identity', 'X-Cloud-Signature', 'x-cloud-anything', 'X-CLOUD-VISITOR'];
    answered = [...names, 'X-Start-Time', 'x-served-by', 'X-OpenFaaS-Internal'].flatMap((name) => [
      name,
      evil,
    ]);
    answered.push('Connection', 'X-Once', 'X-Once', evil, 'Proxy-Authenticate', evil);
    answered.push('Keep-Alive', evil, 'Trailer', evil, 'Set-Cookie', `ofc_session=${evil}`);
    answered.push('X-Own', 'kept');
    const { answer } = await ask('alice.example.com', '/hello', []);
    expect(answer).to.match(/^HTTP\/1\.1 200 /);
    expect(answer).to.match(/^x-own: kept$/im);
    expect(answer).to.not.contain(evil);
    answered = [];
  });
});
