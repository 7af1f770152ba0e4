import { expect } from 'chai';
import fc from 'fast-check';
import { readJsonLine } from '../../../functions/dashboard/client/json-line.ts';
import { logPattern } from '../../../functions/dashboard/client/log-pattern.ts';

const came = '2026-11-26 19:00:00';
const read = (json: string) => readJsonLine(`${came}  hello-1  ${json}`);
/** What the line looks like. */
const shown = (json: string) => {
  const line = read(json);
  return line && [line.head, line.level, line.message, line.fields].filter(Boolean).join('  ');
};

describe('a JSON line of a log', () => {
  it('has time, level and message first, and the others as key=value', () => {
    const line = read(
      '{"a":1,"message":"Hello, \\"you\\"","time":"2026-11-26T19:00:00.123Z","path":"/x","level":"info"}',
    );
    expect(line).to.deep.equal({
      head: '2026-11-26 19:00:00.123  hello-1',
      level: 'info',
      tone: 'accent',
      message: 'Hello, "you"',
      fields: 'a=1 path=/x',
    });
  });

  const loggers: readonly [name: string, json: string, looks: string][] = [
    [
      'pino',
      '{"level":30,"time":1795719600456,"pid":7,"msg":"hi"}',
      '2026-11-26 19:00:00.456  hello-1  info  hi  pid=7',
    ],
    [
      'zap',
      '{"level":"warn","ts":1795719599.5,"msg":"hi"}',
      '2026-11-26 18:59:59.500  hello-1  warn  hi',
    ],
    [
      'slog',
      '{"time":"2026-11-26T20:00:00.5+01:00","level":"ERROR","msg":"hi"}',
      '2026-11-26 19:00:00.500  hello-1  ERROR  hi',
    ],
    ['severity', '{"severity":"DEBUG","message":"hi"}', `${came}  hello-1  DEBUG  hi`],
  ];
  for (const [name, json, looks] of loggers) {
    it(`is read as ${name} writes it`, () => expect(shown(json)).to.equal(looks));
  }

  it('keeps a time of its own that is another one than the platform saw, or none', () => {
    for (const time of ['"2020-01-01T00:00:00Z"', '17', '"noon"', '1e999', 'null', '{}']) {
      const { head, fields } = read(`{"time":${time},"message":"x"}`) ?? {};
      expect(head, time).to.equal(`${came}  hello-1`);
      expect(fields?.replace(/"/g, ''), time).to.equal(`time=${time.replace(/"/g, '')}`);
    }
  });

  const tones = { FATAL: 'bad', err: 'bad', Warning: 'warn', trace: 'muted', notice: 'accent' };
  for (const [level, tone] of Object.entries(tones)) {
    it(`shows ${level} as ${tone}`, () => {
      expect(read(`{"level":"${level}"}`)?.tone).to.equal(tone);
    });
  }

  it('shows values as they were written: digits, escapes, nesting', () => {
    expect(
      shown(
        '{ "n": 12345678901234567890, "e": 1e999 , "f":0.10, "s":"a b\\u202e\\t", "o":{"a":[1,{"b":","}]}, "x":[] , "t":true,"" : null }',
      ),
    ).to.equal(
      `${came}  hello-1  n=12345678901234567890 e=1e999 f=0.10 s="a b\\u202e\\t" o={"a":[1,{"b":","}]} x=[] t=true ""=null`,
    );
  });

  it('shows texts of several lines at the end, such as the trace of an error', () => {
    expect(read('{"stack":"Error: a\\n    at b","c":1,"d":"x\\ny"}')?.fields).to.equal(
      'c=1\nstack=\nError: a\n    at b\nd=\nx\ny',
    );
  });

  it('makes no property of a key, and shows each of two that are the same', () => {
    expect(
      shown('{"__proto__":{"level":"x"},"constructor":1,"level":{"a":1},"level":5,"level":"warn"}'),
    ).to.equal(
      `${came}  hello-1  warn  __proto__={"level":"x"} constructor=1 level={"a":1} level=5`,
    );
    expect(({} as { level?: string }).level).to.equal(undefined);
  });

  it('is left alone if it is no JSON object, is empty, is very long, or has no time before it', () => {
    for (const other of ['hello', '[1]', '"x"', '1', '{}', '{"a":1', '{"a":1} b', "{'a':1}", '']) {
      expect(read(other), other).to.equal(undefined);
    }
    expect(read(`{"a":"${'x'.repeat(30_000)}"}`)).to.equal(undefined);
    expect(readJsonLine('{"a":1}')).to.equal(undefined);
    expect(readJsonLine(`step  ${came}  hello-1  {"a":1}`)).to.equal(undefined);
  });

  it('bears deep nesting', () => {
    const deep = `${'['.repeat(9000)}${']'.repeat(9000)}`;
    expect(read(`{"level":"info","deep":${deep}}`)?.fields).to.equal(`deep=${deep}`);
    expect(read(`{"deep":${'{"a":'.repeat(3000)}`)).to.equal(undefined);
  });

  it('loses nothing of any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
        const entries = Object.entries(value).filter(
          ([key]) => !/^(?:@?time(?:stamp)?|ts|level|severity|lvl|message|msg)$/.test(key),
        );
        const bare = (source: string) => source.replace(/^"([\w.:/@+-]+)"$/, '$1');
        const fields = entries.map(
          ([key, each]) => `${bare(JSON.stringify(key))}=${bare(JSON.stringify(each))}`,
        );
        expect(read(JSON.stringify(Object.fromEntries(entries)))?.fields ?? '').to.equal(
          fields.join(' '),
        );
      }),
    );
  });
});

describe('the filter of a log', () => {
  const finds = (wanted: string, line: string) => logPattern(wanted).test(line);

  it('takes a text as it is, in any case', () => {
    expect(finds('a.B', 'xA.by')).to.equal(true);
    expect(finds('a.b', 'axb')).to.equal(false);
    for (const text of ['[', '(a|b)*', 'a\\', '{2}', '^$', '?=', '=', 'a="']) {
      expect(finds(text, `x ${text} y`), text).to.equal(true);
      expect(finds(text, 'x y'), text).to.equal(false);
    }
  });

  it('finds members of JSON lines as they are shown', () => {
    for (const line of ['{"status":200}', '{ "status" : 200 }', '{"status":"200"}', 'status=200']) {
      expect(finds('status=20', line), line).to.equal(true);
      expect(finds('status=3', line), line).to.equal(false);
      expect(finds('tatus=200', line.replace('=', ':')), line).to.equal(false);
    }
    expect(finds('text="a b', '{"text":"a b"}')).to.equal(true);
  });
});
