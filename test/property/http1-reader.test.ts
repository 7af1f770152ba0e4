import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { ResponseReader } from '#shared/http1/response-reader.ts';

/** An answer as a client understood it. */
interface Message {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

type Read = (bytes: Buffer, method: string, step: number) => Message | undefined;

/** The lean reader; `undefined` if it refuses the bytes or they end too early. */
const readLean: Read = (bytes, method, step) => {
  const reader = new ResponseReader(method);
  const data: Buffer[] = [];
  let done = false;
  try {
    for (let at = 0; at < bytes.length && !done; at += step) {
      const part = reader.read(Buffer.from(bytes.subarray(at, at + step)));
      data.push(...part.data);
      done = part.done;
    }
  } catch {
    return undefined;
  }
  const { head } = reader;
  if (head === undefined || (!done && !reader.finish())) return undefined;
  return {
    status: head.status,
    headers: head.headers,
    body: Buffer.concat(data).toString('latin1'),
  };
};

/** Where the lean reader sees the answer's end; what follows makes it drop the connection. */
function messageLength(bytes: Buffer, method: string): number {
  const reader = new ResponseReader(method);
  try {
    const end = bytes.findIndex(
      (_, at) => reader.read(Buffer.from(bytes.subarray(at, at + 1))).done,
    );
    return end === -1 ? bytes.length : end + 1;
  } catch {
    return bytes.length;
  }
}

/** Broken on purpose: it repairs what it should refuse, as lenient parsers do. */
const readLeniently: Read = (bytes, method, step) => {
  const repaired = bytes
    .toString('latin1')
    .replace(/[ \t]+:/g, ':')
    .replace(/\r?\n[ \t]+/g, ' ')
    .replace(/(?<!\r)\n/g, '\r\n')
    .replace(/^(content-length:[^\r]*\r\n)(?=.*content-length:)/gims, '');
  return readLean(Buffer.from(repaired, 'latin1'), method, step);
};

const word = fc.constantFrom('a', 'X-Y', 'x', 'Date', 'Set-Cookie', 'Connection', 'Trailer');
const value = fc.constantFrom(
  '',
  '1',
  'close',
  'keep-alive',
  'upgrade',
  'a, b',
  'é',
  'x\ty',
  ' z ',
);
const framing = fc.constantFrom(
  ['Content-Length: 5'],
  ['content-length:5'],
  ['content-length:5\t'],
  ['content-length: 5 '],
  ['Content-Length: 5', 'Content-Length: 3'],
  ['Content-Length: 5', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked'],
  ['transfer-encoding:  CHUNKED '],
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding: chunked, gzip'],
  ['Upgrade: x', 'Connection: upgrade'],
  [],
);
const body = fc.constantFrom(
  '',
  'hello',
  'hello!',
  '5\r\nhello\r\n0\r\n\r\n',
  '2\r\nhe\r\n3\r\nllo\r\n0\r\nX: 1\r\n\r\n',
  '5;x=y\r\nhello\r\n0\r\n\r\n',
  '0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  '0\r\nTransfer-Encoding: x\r\nConnection: close\r\n\r\n',
);
const status = fc.constantFrom(
  '200 OK',
  '200',
  '204 No Content',
  '304 Not Modified',
  '404 é',
  '999 x',
  '100 C',
  '101 S',
);
const nasty = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  '\0',
  '0',
  'a',
  ';',
  ',',
  '\x7f',
  '\x80',
  '\r\n\r\n',
);

/** Answers, most of them nearly well-formed: built from the parts, then hurt in a few places. */
const answer = fc
  .record({
    status,
    fields: fc.array(fc.tuple(word, value), { maxLength: 3 }),
    framing,
    body,
    wounds: fc.array(fc.record({ at: fc.nat(200), cut: fc.nat(2), put: nasty }), { maxLength: 2 }),
    method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST'),
    step: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ wounds, method, step, ...parts }) => {
    const fields = [...parts.fields.map(([name, text]) => `${name}: ${text}`), ...parts.framing];
    let text = `HTTP/1.1 ${parts.status}\r\n${fields.map((line) => `${line}\r\n`).join('')}\r\n${parts.body}`;
    for (const { at, cut, put } of wounds) {
      const place = at % text.length;
      text = text.slice(0, place) + put + text.slice(place + cut);
    }
    return { bytes: Buffer.from(text, 'latin1'), method, step };
  });

describe('the lean reader of answers beside the parser of node:http', () => {
  let server: Server;
  let bytes = Buffer.alloc(0);
  before(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  /** What Node's own client makes of the bytes; `undefined` if it fails on them. */
  const readByNode = (method: string): Promise<Message | undefined> =>
    new Promise((resolve) => {
      const { port } = server.address() as AddressInfo;
      const outgoing = request({ port, host: '127.0.0.1', method, agent: false });
      outgoing.on('error', () => resolve(undefined));
      outgoing.on('upgrade', (_, socket) => {
        socket.destroy();
        resolve(undefined);
      });
      outgoing.on('response', async (message: IncomingMessage) => {
        const pieces: Buffer[] = [];
        try {
          for await (const piece of message) pieces.push(piece as Buffer);
        } catch {
          return resolve(undefined);
        }
        if (!message.complete) return resolve(undefined);
        resolve({
          status: message.statusCode ?? 0,
          headers: message.rawHeaders,
          body: Buffer.concat(pieces).toString('latin1'),
        });
      });
      outgoing.end();
    });

  let accepted = 0;
  const agreement = (read: Read) =>
    fc.asyncProperty(answer, async ({ bytes: given, method, step }) => {
      const lean = read(given, method, step);
      if (lean === undefined) return;
      accepted++;
      expect(read(given, method, 1), 'byte by byte').to.deep.equal(lean);
      bytes = given.subarray(0, messageLength(given, method));
      expect(await readByNode(method)).to.deep.equal(lean);
    });

  it('accepts only what it understands in the same way', async function () {
    this.timeout(60_000);
    await fc.assert(agreement(readLean), { numRuns: 4000 });
    // Were everything refused, the agreement would say nothing.
    expect(accepted).to.be.greaterThan(500);
  });

  it('would notice a reader that repairs what is malformed', async function () {
    this.timeout(60_000);
    const { failed } = await fc.check(agreement(readLeniently), { numRuns: 4000 });
    expect(failed).to.equal(true);
  });
});
