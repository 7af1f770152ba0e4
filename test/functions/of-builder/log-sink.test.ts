import { expect } from 'chai';
import type * as v from 'valibot';
import { receiveMessage } from '#shared/messages/receive.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { type LogSink, openLogSink } from '../../../functions/of-builder/log-sink.ts';
import { logPartSchema } from '../../../functions/pipeline-log/log-part.ts';
import { eventually } from '../../helpers/eventually.ts';
import { testSigner } from '../../helpers/signed-request.ts';

const name = { owner: 'alice', repo: 'hello', sha: 'a'.repeat(40), function: 'fn', run: 'r1' };
type Part = v.InferOutput<typeof logPartSchema>;

describe('the log of a build', () => {
  let parts: Part[];
  let answer: () => Promise<number>;
  let together: number;

  const open = (everyMs = 100_000): LogSink => {
    let running = 0;
    const gateway = {
      invoke: async (
        receiver: string,
        {
          headers = {},
          body = '',
        }: { headers?: Readonly<Record<string, string>>; body?: string | Buffer },
      ) => {
        running += 1;
        together = Math.max(together, running);
        const rawBody = Buffer.from(body);
        const request = { method: 'POST', path: '/', rawQuery: '', headers, rawBody };
        expect(headers[signatureHeader]).to.be.a('string');
        parts.push(receiveMessage(testSigner, receiver, request, logPartSchema, 512 * 1024));
        try {
          return { status: await answer(), headers: {}, body: Buffer.alloc(0) };
        } finally {
          running -= 1;
        }
      },
    };
    return openLogSink(gateway, testSigner, name, everyMs);
  };
  const text = () => parts.map((part) => part.text).join('');

  beforeEach(() => {
    parts = [];
    together = 0;
    answer = async () => 204;
  });

  it('is sent while it grows, in order, and its end is marked', async () => {
    const sink = open(5);
    sink.write('one');
    await eventually(() => expect(text()).to.equal('one\n'));
    sink.write('two');
    await eventually(() => expect(text()).to.equal('one\ntwo\n'));
    sink.write('three');
    await sink.close();
    expect(text()).to.equal('one\ntwo\nthree\n');
    expect(parts.map(({ seq }) => seq)).to.deep.equal(parts.map((_, index) => index));
    expect(parts.map(({ final }) => final)).to.deep.equal(
      parts.map((_, index) => index === parts.length - 1),
    );
    expect(parts[0]).to.include(name);
  });

  it('is sent one part at a time', async () => {
    answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return 204;
    };
    const sink = open(1);
    for (let line = 0; line < 20; line += 1) {
      sink.write(`line ${line}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await sink.close();
    expect(together).to.equal(1);
    expect(text().split('\n')).to.have.lengthOf(21);
  });

  it('is complete also when there is nothing in it', async () => {
    await open().close();
    expect(parts).to.have.lengthOf(1);
    expect(parts[0]).to.include({ seq: 0, text: '', final: true });
  });

  it('is cut into parts that pipeline-log takes, even one long line of odd bytes', async () => {
    const sink = open();
    const line = '\x01'.repeat(300_000);
    sink.write(line);
    await sink.close();
    expect(text()).to.equal(`${line}\n`);
    expect(parts.length).to.be.greaterThan(4);
    expect(parts.at(-1)?.final).to.equal(true);
  });

  it('is cut where it is too long, and says so once', async () => {
    const sink = open();
    for (let count = 0; count < 10; count += 1) sink.write('x'.repeat(1024 * 1024));
    await sink.close();
    expect(text().length).to.be.lessThan(4.1 * 1024 * 1024);
    expect(text().match(/cut here/g)).to.have.lengthOf(1);
  });

  it('fails no build, and its end is still sent, where parts cannot be', async () => {
    for (const failure of [async () => 500, () => Promise.reject(new Error('gone'))]) {
      parts = [];
      answer = failure;
      const sink = open();
      sink.write('x'.repeat(1_000_000));
      sink.write('the error');
      await sink.close();
      expect(parts.length).to.be.lessThan(4);
      expect(parts.at(-1)?.final).to.equal(true);
      expect(parts.at(-1)?.text).to.match(/the error\n$/);
    }
  });

  it('does not queue up requests behind one that hangs', async () => {
    let release: (status: number) => void = () => undefined;
    answer = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const sink = open(1);
    for (let line = 0; line < 50; line += 1) {
      sink.write(`line ${line}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(parts).to.have.lengthOf(1);
    answer = async () => 204;
    release(204);
    await sink.close();
    expect(parts.length).to.be.lessThan(5);
    expect(text().split('\n')).to.have.lengthOf(51);
  });
});
