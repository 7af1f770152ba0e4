import { CloudError } from '../errors.ts';

/** One matcher of a selector: `=` compares, `in` is one of several values. */
export type Matcher = readonly [label: string, op: '=' | 'in', value: string | readonly string[]];

/**
 * A PromQL selector. Every value is escaped, so no value can end its quotes or mean more than itself.
 *
 * @example
 * selector('gateway_function_invocation_total', [['function_name', '=', 'alice-hello.openfaas-fn']])
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
 */
export function selector(metric: string, matchers: readonly Matcher[]): string {
  return `${metric}{${matchers.map(matcherText).join(',')}}`;
}

/** A PromQL duration of whole seconds. */
export function promDuration(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1000))}s`;
}

function matcherText([label, op, value]: Matcher): string {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) {
    throw new CloudError('OFC_INTERNAL', `"${label}" is no label name.`);
  }
  if (op === '=') return `${label}=${quote(String(value))}`;
  const values = typeof value === 'string' ? [value] : value;
  return `${label}=~${quote(values.map(escapeRegExp).join('|'))}`;
}

function quote(text: string): string {
  return `"${text.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))}"`;
}

/** For RE2, which anchors at both ends in Prometheus. */
function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}
