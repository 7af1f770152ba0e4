import { parse } from 'node:querystring';

/** Fields of a query or a form: flat, a name that occurs more than once has a list. */
export function parseQuery(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  if (text === '') return fields;
  for (const [name, value] of Object.entries(parse(text))) {
    if (value === undefined) continue;
    if (name === '__proto__') define(fields, name, value);
    else fields[name] = value;
  }
  return fields;
}

/** Assigned, it would change the object's prototype instead. */
function define(fields: object, name: string, value: string | string[]): void {
  Object.defineProperty(fields, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
