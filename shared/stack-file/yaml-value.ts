import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  Scalar,
  type YAMLMap,
} from 'yaml';
import { CloudError, type ErrorCode } from '../errors.ts';

/** Map entries and list items that aliases and merges may unfold to. */
const maxUnfolded = 100_000;
const maxMergeDepth = 20;

/** What the values of one file share. */
export interface YamlFile {
  readonly name: string;
  readonly code: ErrorCode;
  readonly lines: LineCounter;
  readonly targets: ReadonlyMap<Node, Node>;
  unfolded: number;
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
