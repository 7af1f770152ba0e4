import { CloudError } from '#shared/errors.ts';

/** Which series of a metric are meant. */
export interface Selector {
  readonly metric: string;
  readonly matches: (labels: Readonly<Record<string, string>>) => boolean;
}

/** `sum by (…) (increase(metric{…}[…]))`. */
export interface SumQuery {
  readonly kind: 'sum';
  readonly by: readonly string[];
  readonly selector: Selector;
  readonly rangeMs: number;
}

/** The part of PromQL that the platform asks with. */
export type PromQuery =
  | SumQuery
  | { readonly kind: 'quantile'; readonly quantile: number; readonly of: SumQuery };

const maxQueryLength = 256 * 1024;
const maxMatchers = 16;

/**
 * Parses `sum by (a, b) (increase(metric{a="x",b=~"y|z"}[60s]))`, alone or as the second argument of
 * `histogram_quantile(0.95, …)`. That is all of PromQL that is known here.
 *
 * @throws CloudError `OFC_BAD_REQUEST`
 */
export function parsePromQuery(text: string): PromQuery {
  if (text.length > maxQueryLength) throw refused('it is too long');
  const quantile = /^\s*histogram_quantile\(\s*(0(?:\.\d+)?|1(?:\.0+)?)\s*,([\s\S]*)\)\s*$/.exec(
    text,
  );
  if (quantile === null) return parseSum(text);
  return { kind: 'quantile', quantile: Number(quantile[1]), of: parseSum(quantile[2] ?? '') };
}

function parseSum(text: string): SumQuery {
  const sum =
    /^\s*sum\s*(?:by\s*\(([\w\s,]*)\))?\s*\(\s*increase\(\s*([a-zA-Z_:][\w:]*)\s*(\{[\s\S]*\})?\s*\[(\d{1,10})(s|m|h|d)\]\s*\)\s*\)\s*$/.exec(
      text,
    );
  if (sum === null) {
    throw refused('only sum(increase(…)) and histogram_quantile of it are known here');
  }
  const [, by = '', metric = '', matchers = '{}', count, unit] = sum;
  const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's' | 'm' | 'h' | 'd'];
  const tests = parseMatchers(matchers.slice(1, -1));
  return {
    kind: 'sum',
    by: by
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
    selector: { metric, matches: (labels) => tests.every((test) => test(labels)) },
    rangeMs: Number(count) * unitMs,
  };
}

type Test = (labels: Readonly<Record<string, string>>) => boolean;

function parseMatchers(text: string): Test[] {
  const tests: Test[] = [];
  const matcher = /\s*([a-zA-Z_]\w*)\s*(=~|=)\s*"((?:[^"\\\n]|\\["\\n])*)"\s*(,|$)/y;
  while (matcher.lastIndex < text.length) {
    const found = matcher.exec(text);
    if (found === null || tests.length === maxMatchers) throw refused('a matcher cannot be read');
    const [, label = '', op, quoted = ''] = found;
    const value = quoted.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
    const values = op === '=' ? new Set([value]) : alternatives(value);
    tests.push((labels) => values.has(labels[label] ?? ''));
  }
  return tests;
}

/** `a|b\.c`: fixed texts only, so that nobody's pattern costs time here. */
function alternatives(pattern: string): ReadonlySet<string> {
  const parts = [...`${pattern}|`.matchAll(/((?:\\[\s\S]|[^\\|])*)\|/g)].map(
    ([, part = '']) => part,
  );
  return new Set(
    parts.map((part) => {
      const plain = part.replace(/\\[\\^$.|?*+()[\]{}]/g, '');
      if (/[\\^$.?*+()[\]{}]/.test(plain)) throw refused('only fixed texts may follow =~ here');
      return part.replace(/\\(.)/g, '$1');
    }),
  );
}

function refused(why: string): CloudError {
  return new CloudError('OFC_BAD_REQUEST', `The query cannot be answered: ${why}.`, {
    hint: 'Install Prometheus and start with --prometheus <host:port> for all of PromQL.',
  });
}
