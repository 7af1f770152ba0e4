import { expect } from 'chai';
import { buildStage, type Stage, toAlice } from '../functions/of-router/stage.ts';
import { send, sendRaw } from '../helpers/http-client.ts';

const internal = [
  'github-push',
  'git-tar',
  'buildshiprun',
  'of-builder',
  'of-router',
  'of-auth',
  'github-status',
  'garbage-collect',
  'audit-event',
  'echo',
];

/** Ways to write the path of a function that nobody may reach. */
const spellings: readonly ((name: string) => string)[] = [
  (name) => `/${name}`,
  (name) => `/${name}/`,
  (name) => `/${name}/?x`,
  (name) => `//${name}`,
  (name) => `/./${name}`,
  (name) => `/hello/../${name}`,
  (name) => `/hello/..%2f${name}`,
  (name) => `/hello/%2e%2e/${name}`,
  (name) => `/hello/%2E%2E%2F${name}`,
  (name) => `/hello/%252e%252e%252f${name}`,
  (name) => `/hello/..%5c${name}`,
  (name) => `/hello/..\\${name}`,
  (name) => `/hello/..;/${name}`,
  (name) => `/hello%2f..%2f${name}`,
  (name) => `/%2e%2e/${name}`,
  (name) => `/${name.toUpperCase()}`,
  (name) => `/%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
  (name) => `/${name}.openfaas-fn`,
  (name) => `/function/${name}`,
  (name) => `/async-function/${name}`,
  (name) => `/hello/../../function/${name}`,
  (name) => `/hello/../../system/functions?x=${name}`,
];

const hosts = [
  'system.example.com',
  'SYSTEM.example.com.',
  'alice.example.com',
  'github.example.com',
  'git.example.com',
  'of.example.com',
  'auth.system.example.com',
  'example.com',
  'gateway',
  '127.0.0.1',
];

describe('a function whose label names an owner, but not its name', () => {
  it('has no way in, whatever is left of the name behind the owner’s', async () => {
    const stage = await buildStage({ functions: { 'git-tar': 'alice', alicehello: 'alice' } });
    for (let length = 1; length <= 10; length++) {
      for (const name of ['git-tar', 'alicehello']) {
        const path = `/${name.slice(-length)}`;
        expect((await send(stage.port, path, toAlice)).status, path).to.equal(404);
      }
    }
    await stage.close();
  });
});

describe('the public surface of of-router', () => {
  let stage: Stage;
  before(async () => {
    const functions = Object.fromEntries(internal.map((name) => [name, 'nobody']));
    stage = await buildStage({ functions: { ...functions, 'alice-hello': 'alice' } });
  });
  after(() => stage.close());

  for (const host of hosts) {
    it(`has no way to an internal function through ${host}`, async function () {
      this.timeout(60_000);
      const head = `HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: ${host}\r\nContent-Length: 0`;
      const requests = internal.flatMap((name) =>
        spellings.map((spell) => `POST ${spell(name)} ${head}\r\nConnection: close\r\n\r\n`),
      );
      const answers = await Promise.all(requests.map((request) => sendRaw(stage.port, request)));
      answers.forEach((answer, i) => {
        expect(answer, requests[i]).to.match(/^HTTP\/1\.1 4\d\d /);
      });
      expect(stage.seen).to.have.length(0);
    });
  }
});
