import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { StatusResponseSchema } from '#shared/buildkit/generated/control_pb.ts';
import { createProgressLines } from '#shared/buildkit/progress-lines.ts';

type Message = MessageInitShape<typeof StatusResponseSchema>;
const at = (seconds: number) => ({
  seconds: BigInt(Math.trunc(seconds)),
  nanos: (seconds % 1) * 1e9,
});
const output = (vertex: string, msg: string | Uint8Array): Message => ({
  logs: [{ vertex, msg: typeof msg === 'string' ? Buffer.from(msg) : msg }],
});

function linesOf(...messages: Message[]): string[] {
  const lines: string[] = [];
  const progress = createProgressLines((line) => lines.push(line));
  for (const message of messages) progress.take(create(StatusResponseSchema, message));
  progress.end();
  return lines;
}

describe('the lines of a build’s progress', () => {
  it('name each step once, when it starts, and say how it ended', () => {
    const vertex = { digest: 'a', name: '[1/2] RUN a' };
    const lines = linesOf(
      { vertexes: [vertex, { digest: 'b', name: '[2/2] COPY b' }] },
      { vertexes: [{ ...vertex, started: at(1) }] },
      { vertexes: [{ ...vertex, started: at(1) }] },
      { vertexes: [{ ...vertex, started: at(1), completed: at(2.5) }] },
      { vertexes: [{ ...vertex, started: at(1), completed: at(2.5) }] },
      { vertexes: [{ digest: 'b', name: '[2/2] COPY b', cached: true, started: at(3) }] },
    );
    expect(lines).to.deep.equal(['#1 [1/2] RUN a', '#1 DONE 1.5s', '#2 [2/2] COPY b', '#2 CACHED']);
  });

  it('put chunks of output together, also within a character, and give the rest at the end', () => {
    const euro = Buffer.from('€');
    const lines = linesOf(
      output('a', 'one\ntw'),
      output('b', 'other\n'),
      output('a', 'o\n'),
      output('a', euro.subarray(0, 1)),
      output('a', euro.subarray(1)),
    );
    expect(lines).to.deep.equal(['#1 one', '#2 other', '#1 two', '#1 €']);
  });

  it('put the output before the error that it explains', () => {
    const failed = {
      digest: 'a',
      name: 'RUN x',
      started: at(1),
      completed: at(2),
      error: 'exit 1',
    };
    const lines = linesOf({
      vertexes: [failed],
      logs: [{ vertex: 'a', msg: Buffer.from('why\n') }],
    });
    expect(lines).to.deep.equal(['#1 why', '#1 RUN x', '#1 ERROR: exit 1']);
  });

  it('tell of a download now and then, and of its end', () => {
    const status = (time: number, current: number, done = false): Message => ({
      statuses: [
        {
          ID: 'layer',
          vertex: 'a',
          current: BigInt(current),
          total: 100n,
          timestamp: at(time),
          started: at(0),
          ...(done && { completed: at(time) }),
        },
      ],
    });
    const lines = linesOf(
      ...[0, 1, 2, 3, 4, 5].map((t) => status(t, t * 10)),
      status(6, 100, true),
    );
    expect(lines).to.deep.equal(['#1 layer 30/100', '#1 layer 100/100 done 6.0s']);
  });

  it('hold nothing that a terminal would obey, and are short', () => {
    const lines = linesOf(
      output('a', '\u001b[31mred\u001b[0m \u001b]0;title\u0007bell\n'),
      output('a', '10%\r50%\r100%\n'),
      output('a', `${'x'.repeat(10_000)}`),
    );
    expect(lines[0]).to.equal('#1 red 0;titlebell');
    expect(lines[1]).to.equal('#1 100%');
    expect(lines.slice(2).every((line) => line.length <= 4100)).to.equal(true);
  });

  it('tell of warnings', () => {
    const short = Buffer.from('FromAsCasing');
    expect(linesOf({ warnings: [{ vertex: 'a', short }] })).to.deep.equal([
      '#1 WARNING: FromAsCasing',
    ]);
  });
});
