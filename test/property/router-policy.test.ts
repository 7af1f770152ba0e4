import { expect } from 'chai';
import fc from 'fast-check';
import { buildStage, type Stage, sendJson } from '../functions/of-router/stage.ts';
import { sendRaw } from '../helpers/http-client.ts';

/** A request as a visitor may write it. */
interface Attempt {
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly session: string;
}

/** Whether a request may reach what it reached; `reached` is path and query below `/function`. */
type Model = (attempt: Attempt, reached: string) => boolean;

/** What is deployed: owner, and whether it is the owner's alone. */
const deployed: Readonly<Record<string, { readonly owner: string; readonly closed: boolean }>> = {
  'alice-hello': { owner: 'alice', closed: false },
  'alice-secret': { owner: 'alice', closed: true },
  'bob-hello': { owner: 'bob', closed: false },
};
const platform: Readonly<Record<string, RegExp>> = {
  'of-auth': /^(?:GET|HEAD) \/$|^(?:GET|HEAD|POST) \/auth\//,
  'github-event': /^(?:GET|POST) \/$/,
  'list-functions': /^(?:GET|HEAD) \/$/,
};

/** As the most careless reader behind the router would read a path. */
function readCarelessly(path: string): string {
  let text = path;
  for (let i = 0; i < 8; i++) {
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
  const kept: string[] = [];
  for (const segment of text.replaceAll('\\', '/').split('/').slice(1)) {
    const name = segment.replace(/;.*$/, '');
    if (name === '..') kept.pop();
    else if (name !== '.' && name !== '') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/**
 * The policy, said again without a line of the router's: an owner's host reaches that owner's
 * functions, closed ones with a good session only; the system host reaches what it lists.
 */
const model: Model = ({ method, host, session }, reached) => {
  const [path = ''] = reached.split('?');
  const [, service = ''] = readCarelessly(path).split('/');
  // Careless or not, every reader finds the same function.
  if (path.split('/')[1] !== service) return false;
  const label = /^([a-z]+)\.example\.com\.?(?::[0-9]+)?$/i.exec(host)?.[1]?.toLowerCase();
  const fn = deployed[service];
  if (fn !== undefined) return fn.owner === label && (!fn.closed || session === 'good');
  const rest = path.slice(service.length + 1);
  return label === 'system' && (platform[service]?.test(`${method} ${rest}`) ?? false);
};

/** Broken on purpose: it takes every function for its owner's alone. */
const strictModel: Model = (attempt, reached) =>
  model(attempt, reached) && (attempt.session === 'good' || !/^\/(?:alice|bob)-/.test(reached));

const piece = fc.constantFrom(
  ...[
    'hello',
    'secret',
    'list-functions',
    'git-tar',
    'of-auth',
    'auth',
    'function',
    'alice-hello',
    'x',
  ],
  ...[
    '/',
    '/',
    '//',
    '\\',
    '.',
    '..',
    '..;',
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '%252e',
    '%00',
    '%',
    ';',
    '?',
    '#',
    ' ',
    '@',
    ':',
  ],
);
const attempt: fc.Arbitrary<Attempt> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD', 'DELETE', 'TRACE'),
  host: fc.constantFrom(
    ...['alice.example.com', 'alice.example.com', 'bob.example.com', 'system.example.com'],
    ...[
      'ALICE.example.com.:443',
      'System.example.com.',
      'builder.system.example.com',
      'git.example.com',
    ],
    ...['alice.example.com@bob.example.com', 'alice.example.com, bob.example.com', 'evil.test', ''],
  ),
  target: fc.oneof(
    fc.constantFrom(
      '/hello',
      '/secret',
      '/secret/a?b',
      '/list-functions',
      '/',
      '/auth/x',
      '/github-event',
    ),
    fc.array(piece, { minLength: 1, maxLength: 7 }).map((parts) => `/${parts.join('')}`),
  ),
  session: fc.constantFrom('', 'good', 'bad'),
});

describe('whatever of-router forwards', () => {
  let stage: Stage;
  let forwarded = 0;
  before(async () => {
    stage = await buildStage({
      functions: {
        ...Object.fromEntries(Object.entries(deployed).map(([name, { owner }]) => [name, owner])),
        'git-tar': 'git',
      },
      annotations: { 'alice-secret': { 'com.openfaas.cloud.auth': 'owner' } },
      config: { authCacheMs: 0 },
      auth: (request, response) => {
        const closed =
          request.url?.includes('alice-secret') && request.headers['x-cloud-session'] !== 'good';
        sendJson(
          response,
          closed
            ? { allow: false, cacheSeconds: 0, status: 401, reason: 'sign-in', message: 'Sign in.' }
            : { allow: true, cacheSeconds: 0 },
        );
      },
    });
  });
  after(() => stage.close());

  const satisfies = (policy: Model) =>
    fc.asyncProperty(attempt, async (given) => {
      const { method, host, target, session } = given;
      stage.seen.length = 0;
      const cookie = session === '' ? '' : `Cookie: __Host-ofc_session=${session}\r\n`;
      const answer = await sendRaw(
        stage.port,
        `${method} ${target} HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: ${host}\r\n${cookie}Connection: close\r\n\r\n`,
      );
      forwarded += stage.seen.length;
      expect(stage.seen.length).to.be.at.most(1);
      for (const { url } of stage.seen) {
        expect(policy(given, url), `${JSON.stringify(given)} reached ${url}`).to.equal(true);
      }
      if (stage.seen.length === 0) expect(answer).to.match(/^HTTP\/1\.1 [45]\d\d /);
    });

  it('satisfies the policy', async function () {
    this.timeout(60_000);
    await fc.assert(satisfies(model), { numRuns: 1000 });
    expect(forwarded).to.be.greaterThan(20);
  });

  it('is told apart from what does not', async function () {
    this.timeout(60_000);
    const { failed } = await fc.check(satisfies(strictModel), { numRuns: 500 });
    expect(failed).to.equal(true);
  });
});
