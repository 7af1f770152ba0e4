import { expect } from 'chai';
import { buildStage, type Stage } from '../functions/of-router/stage.ts';
import { sendRaw } from '../helpers/http-client.ts';

const alice = 'X-Forwarded-Host: alice.example.com';

/** Requests that two parsers could read in two ways (RFC 9112 §11.2), as bytes. */
const refused: Record<string, string[]> = {
  'two Hosts': ['GET /hello HTTP/1.1', 'Host: a', 'Host: b', alice],
  'no Host': ['GET /hello HTTP/1.1', alice],
  'two visitor hosts': ['GET /hello HTTP/1.1', 'Host: a', alice, 'X-Forwarded-Host: b'],
  'a list of visitor hosts': [
    'GET /hello HTTP/1.1',
    'Host: a',
    'X-Forwarded-Host: alice.example.com, b',
  ],
  'no visitor host': ['GET /hello HTTP/1.1', 'Host: alice.example.com'],
  'absolute form': ['GET http://alice.example.com/hello HTTP/1.1', 'Host: a', alice],
  'authority form': ['GET alice.example.com:80 HTTP/1.1', 'Host: a', alice],
  'asterisk form': ['OPTIONS * HTTP/1.1', 'Host: a', alice],
  'length and chunks': [
    'POST /hello HTTP/1.1',
    'Host: a',
    alice,
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
  ],
  'two lengths': [
    'POST /hello HTTP/1.1',
    'Host: a',
    alice,
    'Content-Length: 3',
    'Content-Length: 4',
  ],
  'a signed length': ['POST /hello HTTP/1.1', 'Host: a', alice, 'Content-Length: +3'],
  'an unknown coding': ['POST /hello HTTP/1.1', 'Host: a', alice, 'Transfer-Encoding: xchunked'],
  'chunked not last': ['POST /hello HTTP/1.1', 'Host: a', alice, 'Transfer-Encoding: chunked, x'],
  'white space before the colon': [
    'GET /hello HTTP/1.1',
    'Host: a',
    'X-Forwarded-Host : alice.example.com',
  ],
  'a folded line': ['GET /hello HTTP/1.1', 'Host: a', alice, 'X-A: 1', ' X-B: 2'],
  'NUL in a value': ['GET /hello HTTP/1.1', 'Host: a', alice, 'X-A: 1\0'],
  'NUL in the target': ['GET /hello\0 HTTP/1.1', 'Host: a', alice],
  'a byte beyond ASCII in the target': ['GET /hello/\xe9 HTTP/1.1', 'Host: a', alice],
};

describe('request smuggling through of-router', () => {
  let stage: Stage;
  before(async () => {
    stage = await buildStage();
  });
  after(() => stage.close());

  /** What follows a request without a body would be a bad request of its own. */
  const ask = (lines: string[]) => {
    const body = lines[0]?.startsWith('POST') ? 'abc' : '';
    return sendRaw(stage.port, [...lines, 'Connection: close', '', body].join('\r\n'));
  };

  for (const [what, lines] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      expect(await ask(lines)).to.match(/^HTTP\/1\.1 4\d\d /);
      expect(stage.seen).to.have.length(0);
    });
  }

  it('takes what is written as it should be', async () => {
    const host = ['Host: a', alice];
    for (const lines of [
      ['GET /hello HTTP/1.1', ...host, 'X-A: 1'],
      ['POST /hello HTTP/1.1', ...host, 'Content-Length: 3'],
    ]) {
      expect(await ask(lines), lines[0]).to.match(/^HTTP\/1\.1 200 /);
    }
    stage.seen.length = 0;
  });

  it('keeps what follows a body apart from it', async () => {
    const body = '0\r\n\r\nGET /list-functions HTTP/1.1\r\nHost: system.example.com\r\n\r\n';
    const answer = await sendRaw(
      stage.port,
      [
        'POST /hello HTTP/1.1',
        'Host: a',
        alice,
        'Connection: close, Content-Length',
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    );
    expect(answer).to.match(/^HTTP\/1\.1 200 /);
    expect(stage.seen.map(({ url }) => url)).to.deep.equal(['/alice-hello']);
    expect(stage.seen[0]?.body).to.equal(body);
  });
});
