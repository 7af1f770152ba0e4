import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { CloudError, type ErrorCode } from '../errors.ts';
import { checkYamlShape } from './yaml-check.ts';
import { YamlValue } from './yaml-value.ts';

/** Files above this size are refused before anything looks at them. */
const maxYamlBytes = 256 * 1024;
const maxAliases = 1_000;

/**
 * Reads one YAML document so that every later complaint can name file and line.
 *
 * Scalars keep their text as it was written, as Go's YAML does for strings. Refused: duplicate keys, tags,
 * more than one document, alias and nesting bombs, and anything over 256 KiB.
 *
 * @throws CloudError with `code`
 */
export function readYaml(text: string, options: { fileName: string; code: ErrorCode }): YamlValue {
  const { fileName, code } = options;
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
  const document = parseDocument(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [error] = document.errors;
  if (error) {
    const what = error.code === 'MULTIPLE_DOCS' ? 'There is more than one document' : error.message;
    throw fail(lines.linePos(error.pos[0]).line, `This is not valid YAML: ${what}.`);
  }
  const file = {
    name: fileName,
    code,
    lines,
    targets: findAliasTargets(document, lines, fail),
    unfolded: 0,
  };
  return new YamlValue(file, document.contents ?? new Scalar(''), '', 1);
}

type Fail = (line: number, what: string, hint?: string) => CloudError;

/** Where each alias points to. One walk: looking each one up by itself would be quadratic. */
function findAliasTargets(
  document: Document<ParsedNode>,
  lines: LineCounter,
  fail: Fail,
): Map<Node, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
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
  return targets;
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
