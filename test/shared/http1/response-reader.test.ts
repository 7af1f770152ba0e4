import { expect } from 'chai';
import { Http1Error } from '#shared/http1/http1-error.ts';
import { ResponseReader } from '#shared/http1/response-reader.ts';

const ok = 'HTTP/1.1 200 OK\r\n';

function read(text: string, method = 'GET', step = text.length) {
  const reader = new ResponseReader(method);
  const data: Buffer[] = [];
  let done = false;
  for (let at = 0; at < text.length && !done; at += step) {
    const part = reader.read(Buffer.from(text.slice(at, at + step), 'latin1'));
    data.push(...part.data.map((piece) => Buffer.from(piece)));
    done = part.done;
  }
  return { reader, body: Buffer.concat(data).toString('latin1'), done };
}

const taken: Record<string, [text: string, body: string, keepAlive: boolean]> = {
  'a length': [`${ok}Content-Length: 5\r\n\r\nhello`, 'hello', true],
  'no body': [`${ok}Content-Length: 0\r\n\r\n`, '', true],
  'no reason': ['HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx', 'x', true],
  '204 with length 0': ['HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n', '', true],
  '304 with the length of what it stands for': [
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    '',
    true,
  ],
  chunks: [
    `${ok}transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n`,
    'abc0123456789',
    true,
  ],
  'trailers, which are dropped': [
    `${ok}Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\nX: 1\r\nY: 2\r\n\r\n`,
    'a',
    true,
  ],
  'interim answers before': [
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 1\r\n\r\nx`,
    'x',
    true,
  ],
  'a connection that closes': [
    `${ok}Connection: x , CLOSE\r\nContent-Length: 1\r\n\r\nx`,
    'x',
    false,
  ],
};

const refused: Record<string, string> = {
  'another version': 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'white space before the status line': ` ${ok}\r\n`,
  'an empty line before the status line': `\r\n${ok}\r\n`,
  'white space before the colon': `${ok}Content-Length : 5\r\n\r\nhello`,
  'a folded line': `${ok}X: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`,
  'a bare LF': `${ok}X: 1\nContent-Length: 0\r\n\r\n`,
  'a bare CR': `${ok}X: 1\rY: 2\r\nContent-Length: 0\r\n\r\n`,
  NUL: `${ok}X: 1\0\r\nContent-Length: 0\r\n\r\n`,
  'a line without a colon': `${ok}Content-Length\r\n\r\n`,
  'two lengths': `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  'a list of lengths': `${ok}Content-Length: 5, 5\r\n\r\nhello`,
  'a signed length': `${ok}Content-Length: +5\r\n\r\nhello`,
  'a hexadecimal length': `${ok}Content-Length: 0x5\r\n\r\nhello`,
  'an endless length': `${ok}Content-Length: ${'9'.repeat(16)}\r\n\r\n`,
  'a length beside chunks': `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'another coding': `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  '204 with a body': 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
  '204 with chunks': 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a protocol nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'interim answers without end': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20),
  'a chunk extension': `${ok}Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n`,
  'a chunk without size': `${ok}Transfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n`,
  'a chunk of odd size': `${ok}Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n`,
  'a chunk longer than it says': `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n`,
  'a chunk size that ends with LF': `${ok}Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`,
  'a chunk size without end': `${ok}Transfer-Encoding: chunked\r\n\r\n${'0'.repeat(20)}1\r\nx\r\n0\r\n\r\n`,
  'a length as a trailer': `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n`,
  'trailers without end': `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n${'X: 1\r\n'.repeat(2000)}`,
  'a head without end': `${ok}${'X: 1\r\n'.repeat(20_000)}`,
  'more fields than anybody sends': `${ok}${'X: 1\r\n'.repeat(501)}\r\n`,
};

describe('ResponseReader', () => {
  for (const [what, [text, body, keepAlive]] of Object.entries(taken)) {
    for (const step of [text.length, 7, 1]) {
      it(`takes ${what}, ${step} bytes at a time`, () => {
        const answer = read(text, 'GET', step);
        expect(answer).to.include({ body, done: true });
        expect(answer.reader).to.include({ tainted: false });
        expect(answer.reader.head?.keepAlive).to.equal(keepAlive);
      });
    }
  }

  for (const [what, text] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      for (const step of [text.length, 11]) {
        expect(() => read(text, 'GET', step), `${step} at a time`).to.throw(Http1Error);
      }
    });
  }

  it('takes the blanks around values away, and none within them', () => {
    const { reader } = read(
      `${ok}A:1\r\nB: \t 2 \t\r\nC: x \t y\r\nD:\r\nE: \t \r\nContent-Length: 0\r\n\r\n`,
    );
    expect(reader.head?.headers).to.deep.equal([
      'A',
      '1',
      'B',
      '2',
      'C',
      'x \t y',
      'D',
      '',
      'E',
      '',
      'Content-Length',
      '0',
    ]);
  });

  it('refuses blanks behind what frames the body, on which parsers differ', () => {
    expect(() => read(`${ok}Content-Length: 0\t\r\n\r\n`)).to.throw(Http1Error);
    expect(() => read(`${ok}Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n`)).to.throw(Http1Error);
  });

  it('takes no longer for many blanks than for other characters', () => {
    const time = (filling: string): number => {
      const text = `${ok}X: a${filling}b \r\nContent-Length: 0\r\n\r\n`;
      const began = process.cpuUsage();
      for (let i = 0; i < 20; i++) read(text);
      const { user, system } = process.cpuUsage(began);
      return user + system;
    };
    const [many, most] = ['x', ' '].map((filling) => time(filling.repeat(60_000)));
    expect(most).to.be.below(50 * (many ?? 0) + 200_000);
  });

  it('reads until the end of the connection what has no length', () => {
    const { reader, body, done } = read(`${ok}\r\nall of it`);
    expect({ body, done, end: reader.finish() }).to.deep.equal({
      body: 'all of it',
      done: false,
      end: true,
    });
    expect(reader.head?.keepAlive).to.equal(false);
  });

  it('takes no early end for the end', () => {
    expect(read(`${ok}Content-Length: 9\r\n\r\nhello`).reader.finish()).to.equal(false);
    expect(read(`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`).reader.finish()).to.equal(
      false,
    );
    expect(read('HTTP/1.1 200 OK\r\nX: ').reader.finish()).to.equal(false);
  });

  it('has no body in an answer to HEAD', () => {
    const answer = read(`${ok}Content-Length: 5\r\n\r\n`, 'HEAD');
    expect(answer).to.include({ body: '', done: true });
  });

  it('says if bytes follow the answer', () => {
    expect(read(`${ok}Content-Length: 1\r\n\r\nx${ok}`).reader.tainted).to.equal(true);
    expect(read(`${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx`).reader.tainted).to.equal(true);
  });
});
