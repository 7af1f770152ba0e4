import { CloudError } from '../errors.ts';
import { applyOperator } from './envsubst-operators.ts';

/** Gives a variable's value; unset and empty count the same. */
export type Environment = (name: string) => string | undefined;

/** A `${NAME}` that became nothing, since the variable is empty and there is no default. */
export interface EmptyVariable {
  readonly name: string;
  readonly line: number;
}

const maxOutput = 1024 * 1024;
const maxDepth = 20;
/** Characters that all expressions together may look at: what a file of the largest size could honestly need, many times over. */
const maxWork = 64 * 1024 * 1024;

/**
 * Replaces `${…}` in the text of a stack file as faas-cli does: before the YAML is parsed, in comments too.
 *
 * Understood: `${A}`, defaults (`:-`, `=`, `:=`, and `:?`, `:+`, which faas-cli treats as defaults), case
 * (`^`, `^^`, `,`, `,,`), parts (`:1`, `:1:2`, `#a`, `##a`, `%c`, `%%c`), replacement (`/a/z`, `//a/z`,
 * `/#a/z`, `/%a/z`), length (`${#A}`) and nesting. `$A` is left alone, `$$` is `$`, and `\\` and `\/`
 * lose their first backslash. An expression and a value must stay on one line, so that every line of the
 * result is the same line of the source and errors can name it. Time and output are bounded.
 *
 * @param onEmpty Is told of each variable that left nothing behind, but for those in comments.
 * @throws CloudError `OFC_STACK_INVALID` with the line, for anything that cannot be read.
 */
export function substitute(
  text: string,
  environment: Environment,
  fileName = 'stack.yml',
  onEmpty: (variable: EmptyVariable) => void = () => undefined,
): string {
  const scanner: Scanner = {
    text,
    at: 0,
    depth: 0,
    work: 0,
    line: 1,
    inComment: false,
    environment,
    fileName,
    onEmpty,
  };
  const output: string[] = [];
  let length = 0;
  const emit = (part: string) => {
    length += part.length;
    if (length > maxOutput) {
      throw failure(scanner, `The file is larger than ${maxOutput} characters after substitution.`);
    }
    output.push(part);
  };

  // Plain text up to the next character that means something; then that character.
  const special = /[$\\]/g;
  while (scanner.at < text.length) {
    special.lastIndex = scanner.at;
    const next = special.exec(text)?.index ?? text.length;
    if (next > scanner.at) {
      const plain = text.slice(scanner.at, next);
      follow(scanner, plain);
      emit(plain);
    }
    scanner.at = next;
    const pair = text.slice(next, next + 2);
    if (pair === '${') emit(expression(scanner));
    else if (pair === '$$' || pair === '\\\\' || pair === '\\/') {
      emit(pair.slice(1));
      scanner.at += 2;
    } else if (pair !== '') {
      emit(pair.slice(0, 1));
      scanner.at += 1;
    }
  }
  return output.join('');
}

interface Scanner {
  readonly text: string;
  readonly environment: Environment;
  readonly fileName: string;
  readonly onEmpty: (variable: EmptyVariable) => void;
  at: number;
  depth: number;
  work: number;
  /** Of the plain text before the scanner's place: an expression does not leave its line. */
  line: number;
  inComment: boolean;
}

/** Keeps the line, and whether it is a comment by now. A `#` in quotes counts: better no word than a wrong one. */
function follow(scanner: Scanner, plain: string): void {
  const lines = plain.split(/\r\n|\r|\n/);
  const last = lines.at(-1) ?? '';
  const begins = lines.length > 1 || scanner.at === 0;
  scanner.line += lines.length - 1;
  scanner.inComment =
    (scanner.inComment && lines.length === 1) || (begins ? /(?:^|\s)#/ : /\s#/).test(last);
}

/** What gives a value to a variable that has none. */
const defaults = [':=', ':-', ':?', ':+', '='];

/** Evaluates the expression that begins with `${` at the scanner's place. */
function expression(scanner: Scanner): string {
  const start = scanner.at;
  scanner.depth += 1;
  if (scanner.depth > maxDepth) throw failure(scanner, 'Substitutions are nested too deeply.');
  scanner.at += 2;

  const isLength = take(scanner, /#/y) !== '';
  const name = take(scanner, /[\p{L}\p{Nd}_]+/uy);
  if (name === '') throw bad(scanner, start);
  const operator = isLength
    ? 'length'
    : take(scanner, /:[=?+-]|:|=|\^{1,2}|,{1,2}|\/[/#%]?|#{1,2}|%{1,2}/y);
  const args = operatorArguments(scanner, start, operator);
  if (take(scanner, /\}/y) === '') throw bad(scanner, start);

  const value = scanner.environment(name) ?? '';
  if (/[\r\n]/.test(value)) {
    throw failure(scanner, `The value of ${name} has more than one line.`, start);
  }
  scanner.work +=
    (value.length + 1) * (args.reduce((most, arg) => Math.max(most, arg.length), 0) + 1);
  if (scanner.work > maxWork) throw failure(scanner, 'Substitution takes too much work.', start);
  scanner.depth -= 1;
  if (value === '' && ![...defaults, 'length'].includes(operator) && !scanner.inComment) {
    scanner.onEmpty({ name, line: scanner.line });
  }
  return applyOperator(operator, value, args);
}

/** The arguments after `operator`, up to but without the closing `}`. */
function operatorArguments(scanner: Scanner, start: number, operator: string): string[] {
  if (defaults.includes(operator)) {
    const parts: string[] = [];
    while (scanner.at < scanner.text.length && scanner.text[scanner.at] !== '}') {
      parts.push(argument(scanner, start, /(?:(?!\$\{)[^}\r\n])+/y));
    }
    return [parts.join('')];
  }
  switch (operator) {
    case ':': {
      const offset = argument(scanner, start, /(?:(?!\$\{)[^:}\r\n])+/y);
      if (take(scanner, /:+/y) === '') return [offset];
      return [offset, argument(scanner, start, /(?:(?!\$\{)[^}\r\n])+/y)];
    }
    case '#':
    case '##':
    case '%':
    case '%%':
      return [argument(scanner, start, /(?:(?!\$\{)[^}\r\n])+/y)];
    case '/':
    case '//':
    case '/#':
    case '/%': {
      const pattern = argument(scanner, start, /(?:\\[\\/]|\$\$|(?!\$\{)[^/\r\n])+/y);
      if (take(scanner, /\/+/y) === '') throw bad(scanner, start);
      if (scanner.text[scanner.at] === '}') return [withoutEscapes(pattern), ''];
      const replacement = argument(scanner, start, /(?:\\[\\/]|\$\$|(?!\$\{)[^}\r\n])+/y);
      return [withoutEscapes(pattern), withoutEscapes(replacement)];
    }
    default:
      return [];
  }
}

/** One argument: a nested expression, or text that `plain` accepts. */
function argument(scanner: Scanner, start: number, plain: RegExp): string {
  if (scanner.text.startsWith('${', scanner.at)) return expression(scanner);
  const text = take(scanner, plain);
  if (text === '') throw bad(scanner, start);
  return text;
}

function withoutEscapes(text: string): string {
  return text.replace(/\\([\\/])|\$\$/g, (_, escaped: string | undefined) => escaped ?? '$');
}

/** What the sticky `pattern` matches at the scanner's place; the scanner moves behind it. */
function take(scanner: Scanner, pattern: RegExp): string {
  pattern.lastIndex = scanner.at;
  const found = pattern.exec(scanner.text)?.[0] ?? '';
  scanner.at += found.length;
  return found;
}

function bad(scanner: Scanner, start: number): CloudError {
  const source = scanner.text.slice(start, start + 40).split(/[\r\n]/)[0];
  return failure(scanner, `The substitution ${JSON.stringify(source)} cannot be read.`, start);
}

function failure(scanner: Scanner, message: string, at = scanner.at): CloudError {
  const line = scanner.text.slice(0, at).split(/\r\n|\r|\n/).length;
  return new CloudError('OFC_STACK_INVALID', `${scanner.fileName} line ${line}: ${message}`, {
    hint: `Write \${NAME}, \${NAME:-default} or the like, on one line; for a literal "\${" write "$\${".`,
  });
}
