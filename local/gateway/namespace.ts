import * as v from 'valibot';

/** The one namespace of this gateway; OpenFaaS's default for functions. */
export const namespace = 'openfaas-fn';

const suffix = `.${namespace}`;

/** Whether a request may name this namespace: it is ours, or none is given. */
export function isOurNamespace(name: string | null | undefined): boolean {
  return name === undefined || name === null || name === '' || name === namespace;
}

/** The function's own name of `name` or `name.openfaas-fn`. */
export function functionName(addressed: string): string {
  return addressed.endsWith(suffix) ? addressed.slice(0, -suffix.length) : addressed;
}

/** A request's field `namespace`. */
export const namespaceField = v.pipe(
  v.string(),
  v.check((name) => isOurNamespace(name), `namespace must be ${namespace}`),
);
