import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { CloudError, type ErrorCode } from '../errors.ts';
import { checkYamlShape } from './yaml-check.ts';
import { yamlProblem } from './yaml-problems.ts';
import { YamlValue } from './yaml-value.ts';

/** Files above this size are refused before anything looks at them. */
const maxYamlBytes = 256 * 1024;
const maxAliases = 1_000;

/** How a file is named in complaints, and with which code. */
interface YamlOptions {
  readonly fileName: string;
  readonly code: ErrorCode;
}

/**
 * Reads one YAML document so that every later complaint can name file and line.
 *
 * Scalars keep their text as it was written, as Go's YAML does for strings. Refused: duplicate keys, tags,
 * more than one document, alias and nesting bombs, and anything over 256 KiB.
 *
 * @throws CloudError with `code`
 */
export function readYaml(text: string, options: YamlOptions): YamlValue {
  const [first, second] = readYamlDocuments(text, options);
  if (second === undefined) return first ?? emptyFile(options);
  throw second.error('This is not valid YAML: There is more than one document.');
}

/**
 * Reads all documents of a YAML file, as {@link readYaml} reads the one.
 *
 * @throws CloudError with `code`
 */
export function readYamlDocuments(text: string, { fileName, code }: YamlOptions): YamlValue[] {
  const fail = (line: number, what: string, hint?: string): CloudError =>
    new CloudError(code, `${fileName} line ${line}: ${what}`, hint === undefined ? {} : { hint });
  if (Buffer.byteLength(text) > maxYamlBytes) {
    throw new CloudError(code, `${fileName} is larger than ${maxYamlBytes} bytes.`, {
      hint: 'Split the functions over several repos.',
    });
  }
  const problem = checkYamlShape(text);
  if (problem) throw fail(problem.line, problem.what, 'Simplify the file.');

  const lines = new LineCounter();
  // The failsafe schema makes every scalar a string; duplicate keys are looked for below, in linear time.
  const documents = parseAllDocuments(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
  });
  // All of the file may unfold to so much, whichever document it stands in.
  const file = { name: fileName, code, lines, targets: new Map<Node, Node>(), unfolded: 0 };
  return documents.map((document, index) => {
    const [error] = document.errors;
    if (error) {
      const { line } = lines.linePos(error.pos[0]);
      const { what, hint } = yamlProblem(error.code);
      throw fail(line, `This is not valid YAML: ${what}.`, hint);
    }
    findAliasTargets(document, lines, fail, file.targets);
    const line = index === 0 ? 1 : lines.linePos(document.range[0]).line;
    return new YamlValue(file, document.contents ?? new Scalar(''), '', line);
  });
}

function emptyFile({ fileName, code }: YamlOptions): YamlValue {
  const file = { name: fileName, code, lines: new LineCounter(), targets: new Map(), unfolded: 0 };
  return new YamlValue(file, new Scalar(''), '', 1);
}

type Fail = (line: number, what: string, hint?: string) => CloudError;

/** Where each alias points to. One walk: looking each one up by itself would be quadratic. */
function findAliasTargets(
  document: Document<ParsedNode>,
  lines: LineCounter,
  fail: Fail,
  targets: Map<Node, Node>,
): void {
  const anchors = new Map<string, Node>();
  const lineOf = (node: Node) => lines.linePos(node.range?.[0] ?? 0).line;
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (!target) throw fail(lineOf(node), `The alias *${node.source} has no anchor before it.`);
        targets.set(node, target);
        if (targets.size > maxAliases) throw fail(lineOf(node), 'There are too many aliases.');
        return;
      }
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (node.tag !== undefined && !isPlainTag(node.tag)) {
        throw fail(lineOf(node), `The tag ${node.tag} is not supported.`, 'Remove it.');
      }
      if (isMap(node)) refuseDuplicateKeys(node, lineOf, fail);
    },
  });
}

function isPlainTag(tag: string): boolean {
  return ['tag:yaml.org,2002:str', 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq'].includes(tag);
}

function refuseDuplicateKeys(map: YAMLMap, lineOf: (node: Node) => number, fail: Fail): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar<string>(key)) continue;
    if (seen.has(key.value)) {
      throw fail(
        lineOf(key),
        `The key ${JSON.stringify(key.value)} is there twice.`,
        'Remove one.',
      );
    }
    seen.add(key.value);
  }
}
