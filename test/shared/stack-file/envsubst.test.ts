// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the texts under test
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { substitute } from '#shared/stack-file/envsubst.ts';

const variables: Record<string, string> = {
  A: 'abc',
  B: 'BIG',
  EMPTY: '',
  PATH_NAME: 'a/b.tar.gz',
};
const env = (name: string) => variables[name];

function failureOf(text: string, environment = env): CloudError {
  try {
    substitute(text, environment);
  } catch (error) {
    expect(error).to.be.instanceOf(CloudError);
    return error as CloudError;
  }
  throw new Error(`accepted: ${text.slice(0, 100)}`);
}

describe('substitute', () => {
  const table: readonly [string, string][] = [
    ['${A}', 'abc'],
    ['$A', '$A'],
    ['a$b', 'a$b'],
    ['100%$', '100%$'],
    ['${NOPE}', ''],
    ['${EMPTY:-d}', 'd'],
    ['${NOPE:=d}', 'd'],
    ['${NOPE=d}', 'd'],
    ['${NOPE:?d}', 'd'],
    ['${A:+alt}', 'abc'],
    ['${NOPE:-${B}}', 'BIG'],
    ['${NOPE:-a${A}b${B}c}', 'aabcbBIGc'],
    ['${NOPE:-}', ''],
    ['${NOPE:-http://x:80/?a=$1&b={c}', 'http://x:80/?a=$1&b={c'],
    ['$${A}', '${A}'],
    ['$$A', '$A'],
    ['$$${A}', '$abc'],
    ['${A}${B}', 'abcBIG'],
    ['${A^^}', 'ABC'],
    ['${B,,}', 'big'],
    ['${A^}', 'Abc'],
    ['${B,}', 'bIG'],
    ['${A/a/z}', 'zbc'],
    ['${A//a/z}', 'zbc'],
    ['${A/b/}', 'ac'],
    ['${A/#a/z}', 'zbc'],
    ['${A/#b/z}', 'abc'],
    ['${A/%c/z}', 'abz'],
    ['${PATH_NAME/\\//-}', 'a-b.tar.gz'],
    ['${A/b/$&}', 'a$&c'],
    ['${A:1}', 'bc'],
    ['${A:1:2}', 'bc'],
    ['${A:1:1}', 'b'],
    ['${A:-1}', 'abc'],
    ['${A:9}', ''],
    ['${A:x}', 'abc'],
    ['${A#a}', 'bc'],
    ['${A%c}', 'ab'],
    ['${A#x}', 'abc'],
    ['${PATH_NAME#*/}', 'b.tar.gz'],
    ['${PATH_NAME%.*}', 'a/b.tar'],
    ['${PATH_NAME%%.*}', 'a/b'],
    ['${PATH_NAME##*.}', 'gz'],
    ['${A#[a-b]}', 'bc'],
    ['${A#[^a]}', 'abc'],
    ['${A#?}', 'bc'],
    ['${#A}', '3'],
    ['${#NOPE}', '0'],
    ['# ${A}', '# abc'],
    ['c:\\\\x \\/ \\n', 'c:\\x / \\n'],
    ['}', '}'],
    ['', ''],
  ];
  for (const [written, result] of table) {
    it(`makes ${JSON.stringify(written)} ${JSON.stringify(result)}`, () => {
      expect(substitute(written, env)).to.equal(result);
    });
  }

  for (const written of [
    '${EMPTY-d}',
    '${A',
    '${}',
    '${',
    '${A:-x',
    '${A b}',
    '${A/x}',
    '${A#}',
    '${A:}',
    '${#}',
    '${A+x}',
    '${A:-a\nb}',
    '${A/a\n/b}',
  ]) {
    it(`refuses ${JSON.stringify(written)} and names the line`, () => {
      const failure = failureOf(`one: 1\r\ntwo: 2\n${written}\n`);
      expect(failure.code).to.equal('OFC_STACK_INVALID');
      expect(failure.message).to.match(/^stack\.yml line 3: /);
      expect(failure.hint).to.contain('${NAME:-default}');
    });
  }

  it('refuses values of several lines, which would move all lines below', () => {
    const failure = failureOf('a: ${KEY}', () => 'x\nfunctions: {}');
    expect(failure.message).to.equal('stack.yml line 1: The value of KEY has more than one line.');
  });

  it('tells of variables that leave nothing behind, with their lines, but not of those in comments', () => {
    const told = (text: string) => {
      const empty: string[] = [];
      substitute(text, env, 'stack.yml', ({ name, line }) => empty.push(`${name} ${line}`));
      return empty;
    };
    expect(told('a: ${NOPE}\r\nb: ${A}\n\nc: ${EMPTY} ${X^^}${Y:1}')).to.deep.equal([
      'NOPE 1',
      'EMPTY 4',
      'X 4',
      'Y 4',
    ]);
    expect(told('# ${X}\na: 1 # $$ ${Y} ${Z}\n  #${X}\r# ${X}')).to.deep.equal([]);
    expect(told('a: http://x/#${X} # ${Y}\nb: ${Z}')).to.deep.equal(['X 1', 'Z 2']);
    expect(told('${X:-} ${X:-d} ${X=d} ${#X} $${X} $X')).to.deep.equal([]);
    expect(told('\n${X:-${Y}}')).to.deep.equal(['Y 2']);
  });

  it('does not expand a value again', () => {
    expect(substitute('${X}', () => '${A}')).to.equal('${A}');
  });

  it('bounds nesting', () => {
    expect(substitute(`${'${X:-'.repeat(20)}${'}'.repeat(20)}`, env)).to.equal('');
    expect(failureOf('${X:-'.repeat(100_000)).message).to.contain('nested too deeply');
  });

  it('bounds the output', () => {
    const value = 'x'.repeat(60_000);
    expect(failureOf('${X}'.repeat(1000), () => value).message).to.contain('larger than');
  });

  it('bounds the work, and a product of value and argument before it is made', () => {
    const value = 'a'.repeat(30_000);
    const failure = failureOf(`\${X//a/${'b'.repeat(30_000)}}`, () => value);
    expect(failure.message).to.contain('too much work');
  });

  it('takes time in proportion to the text', function () {
    this.timeout(60_000);
    const hostile = (size: number): void => {
      for (const text of [
        '$'.repeat(size),
        `\${X:-${'a'.repeat(size - 10)}}`,
        `\${X:-${'$'.repeat(size - 10)}}`,
        `\${X//${'\\/'.repeat(size / 2 - 10)}/x}`,
        '\\'.repeat(size),
        '${A}'.repeat(size / 4),
      ]) {
        expect(substitute(text, env).length).to.be.at.most(size);
      }
      failureOf('${X:-'.padEnd(size, '{'));
      failureOf(`\${X${'/'.repeat(size)}`);
    };
    // Of this process's own time, the best of a few: what else runs on the machine does not count.
    const cost = (size: number): number => {
      const times = Array.from({ length: 3 }, () => {
        const before = process.cpuUsage();
        hostile(size);
        const { user, system } = process.cpuUsage(before);
        return user + system;
      });
      return Math.min(...times);
    };
    hostile(100_000); // compiles it
    // Ten times the text takes ten times as long, give or take; a hundred times if it were quadratic.
    expect(cost(1_000_000) / cost(100_000)).to.be.below(40);
  });

  it('matches a pattern without backtracking', () => {
    const value = 'a'.repeat(2000);
    expect(substitute(`\${X#${'*a'.repeat(200)}b}`, () => value)).to.equal(value);
  });
});
