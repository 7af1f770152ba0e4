import { Lexer } from 'yaml';

const maxTokens = 100_000;
const maxFlowDepth = 64;
const maxIndent = 200;

/** The lexer's marks for a document, the end of a flow and a scalar; they are not in the text. */
const documentMark = '\x02';
const flowEndMark = '\x18';
const scalarMark = '\x1f';

/** What is wrong with a YAML text before it is worth parsing. */
export interface YamlProblem {
  readonly line: number;
  readonly what: string;
}

/**
 * Bounds what the recursive parser will meet: its depth (a text of a million `[` would end the whole
 * process, not only the parse) and its work. Reads tokens only and stops at the first one too many.
 */
export function checkYamlShape(text: string): YamlProblem | undefined {
  let count = 0;
  let line = 1;
  let column = 0;
  let flowDepth = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    count += 1;
    if (count > maxTokens) return { line, what: 'The file is too long.' };
    if (token === documentMark || token === flowEndMark) continue;
    if (token === scalarMark) {
      isScalar = true;
      continue;
    }
    if (!isScalar) {
      if (token === '[' || token === '{') flowDepth += 1;
      if ((token === ']' || token === '}') && flowDepth > 0) flowDepth -= 1;
      const opensLevel = /^[-?]$/.test(token) && column > maxIndent;
      const indents = column === 0 && /^ +$/.test(token) && token.length > maxIndent;
      if (flowDepth > maxFlowDepth || opensLevel || indents) {
        return { line, what: 'Values are nested too deeply.' };
      }
    }
    isScalar = false;
    const lastBreak = token.lastIndexOf('\n');
    if (lastBreak === -1) column += token.length;
    else {
      line += token.split('\n').length - 1;
      column = token.length - lastBreak - 1;
    }
  }
  return undefined;
}
