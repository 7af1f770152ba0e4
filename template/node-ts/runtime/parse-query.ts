import { parse } from 'node:querystring';

/** Fields of a query or a form: flat, a name that occurs more than once has a list. */
export function parseQuery(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  if (text === '') return fields;
  for (const [name, value] of Object.entries(parse(text))) {
    if (value === undefined) continue;
    // Defined, not assigned: a field called __proto__ is a field like any other.
    Object.defineProperty(fields, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return fields;
}
