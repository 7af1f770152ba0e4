import * as v from 'valibot';
import { defaultNamespace, functionId } from '../provider/provider.ts';

/** A name that can be a namespace: an RFC 1123 label. */
export const namespacePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** A request's field `namespace`; empty or absent is the default. Whether it exists is another question. */
export const namespaceField = v.optional(
  v.nullable(
    v.pipe(
      v.string(),
      v.regex(/^(?:|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)$/, 'namespace is not a name'),
    ),
  ),
);

/** The namespace that a field or a query parameter asks for. */
export function namespaceOf(given: string | null | undefined): string {
  return given || defaultNamespace;
}

/**
 * The id of the function that a request addresses as `name` or `name.namespace`; names of functions
 * hold no dot.
 *
 * @param namespace Where to look for a name without one.
 */
export function addressedId(addressed: string, namespace: string = defaultNamespace): string {
  const dot = addressed.indexOf('.');
  if (dot < 0) return functionId({ service: addressed, namespace });
  return functionId({ service: addressed.slice(0, dot), namespace: addressed.slice(dot + 1) });
}

/** `name.namespace`, as metrics and messages have it. */
export function fullName(id: string): string {
  return id.includes('.') ? id : `${id}.${defaultNamespace}`;
}
