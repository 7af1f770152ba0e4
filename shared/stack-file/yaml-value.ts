import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
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

/** Files above this size are refused before anything looks at them. */
export const maxYamlBytes = 1024 * 1024;
/** Map entries and list items that aliases and merges may unfold to. */
const maxUnfolded = 100_000;
const maxAliases = 1_000;
const maxMergeDepth = 20;

interface YamlFile {
  readonly name: string;
  readonly code: ErrorCode;
  readonly lines: LineCounter;
  readonly targets: ReadonlyMap<Node, Node>;
  unfolded: number;
}

/**
 * Reads one YAML document so that every later complaint can name file and line.
 *
 * Scalars keep their text as it was written, as Go's YAML does for strings. Refused: duplicate keys, tags,
 * more than one document, alias and nesting bombs, and anything over 1 MiB.
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
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error)
    throw fail(lines.linePos(error.pos[0]).line, `This is not valid YAML: ${error.message}.`);
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

/** A value of a YAML file, with its place, read as the type the caller expects. */
export class YamlValue {
  readonly line: number;
  /** Where it is, such as `functions.hello.environment`. */
  readonly place: string;
  readonly #file: YamlFile;
  readonly #node: Node;

  constructor(file: YamlFile, node: Node, place: string, line: number) {
    this.#file = file;
    this.#node = isAlias(node) ? (file.targets.get(node) ?? node) : node;
    this.place = place;
    this.line = line;
  }

  /** A message about this value: `stack.yml line 4: what`. */
  message(what: string): string {
    return `${this.#file.name} line ${this.line}: ${what}`;
  }

  /** An error about this value: `stack.yml line 4: what. hint`. */
  error(what: string, hint?: string): CloudError {
    return new CloudError(this.#file.code, this.message(what), hint === undefined ? {} : { hint });
  }

  /** Absent, `~` or `null`. */
  get isNull(): boolean {
    const node = this.#node;
    if (!isScalar<string>(node) || node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE')
      return false;
    const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
    return !isBlock && ['', '~', 'null', 'Null', 'NULL'].includes(node.value);
  }

  /** The text of a scalar as it is written; `''` for null. */
  text(): string {
    const node = this.#node;
    if (!isScalar<string>(node)) throw this.#wrongType('a text');
    if (this.isNull) return '';
    if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(node.value)) {
      throw this.error(`The value of ${this.place} has a control character.`, 'Remove it.');
    }
    return node.value;
  }

  /** A truth value, in the spellings Go's YAML takes; `false` for null. */
  flag(): boolean {
    const text = this.text();
    if (/^(?:true|True|TRUE|y|Y|yes|Yes|YES|on|On|ON)$/.test(text)) return true;
    if (/^(?:false|False|FALSE|n|N|no|No|NO|off|Off|OFF|)$/.test(text)) return false;
    throw this.#wrongType('true or false');
  }

  /** The items of a list; none for null. */
  list(): YamlValue[] {
    if (this.isNull) return [];
    const node = this.#node;
    if (!isSeq<Node>(node)) throw this.#wrongType('a list');
    this.#unfold(node.items.length);
    return node.items.map((item, index) => this.#child(item, item, `${this.place}[${index}]`));
  }

  /** The entries of a map, in order, merge keys (`<<`) followed as Go's YAML does; none for null. */
  map(): Map<string, YamlValue> {
    const entries = new Map<string, YamlValue>();
    if (this.isNull) return entries;
    const node = this.#node;
    if (!isMap<Node, Node | null>(node)) throw this.#wrongType('a map of keys and values');
    this.#addEntries(node, entries, 0);
    return entries;
  }

  #addEntries(
    map: YAMLMap<Node, Node | null>,
    entries: Map<string, YamlValue>,
    depth: number,
  ): void {
    if (depth > maxMergeDepth) throw this.error('Merge keys are nested too deeply.');
    this.#unfold(map.items.length);
    const merges: Node[] = [];
    for (const { key, value } of map.items) {
      const name = this.#child(key, key, `a key of ${this.place || 'the file'}`).text();
      const isMerge = name === '<<' && isScalar(key) && key.type === 'PLAIN';
      if (isMerge && value !== null) merges.push(value);
      else if (!entries.has(name)) {
        const place = this.place === '' ? name : `${this.place}.${name}`;
        entries.set(name, this.#child(key, value ?? new Scalar(''), place));
      }
    }
    // Own keys first, then what is merged in: an entry that is there is never replaced.
    for (const merge of merges) {
      const source = this.#child(merge, merge, '<<').#node;
      for (const part of isSeq<Node>(source) ? source.items : [source]) {
        const { line } = this.#child(merge, part, '<<');
        const target = new YamlValue(this.#file, part, '<<', line);
        if (!isMap<Node, Node | null>(target.#node)) {
          throw target.error('A merge key (<<) takes a map or a list of maps.');
        }
        this.#addEntries(target.#node, entries, depth + 1);
      }
    }
  }

  #child(at: Node, node: Node, place: string): YamlValue {
    const line = at.range ? this.#file.lines.linePos(at.range[0]).line : this.line;
    return new YamlValue(this.#file, node, place, line);
  }

  #unfold(count: number): void {
    this.#file.unfolded += count;
    if (this.#file.unfolded > maxUnfolded) {
      throw this.error('Aliases and merge keys unfold to too much.', 'Write the values out.');
    }
  }

  #wrongType(expected: string): CloudError {
    const node = this.#node;
    const found = isMap(node) ? 'a map' : isSeq(node) ? 'a list' : JSON.stringify(shortText(node));
    return this.error(`${this.place || 'The file'} must be ${expected}, not ${found}.`);
  }
}

function shortText(node: Node): string {
  return isScalar<string>(node) ? String(node.value).slice(0, 60) : 'this';
}
