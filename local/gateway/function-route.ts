/** A path below `/function/` or `/async-function/`. */
export interface FunctionRoute {
  /** As it was addressed: `name` or `name.namespace`. */
  readonly name: string;
  /** Path and query for the function, byte for byte as the client sent them; begins with `/`. */
  readonly path: string;
}

/** Reads `<prefix>NAME[/path][?query]`; `undefined` if it is no such path. */
export function parseFunctionRoute(prefix: string, url: string): FunctionRoute | undefined {
  if (!url.startsWith(prefix)) return undefined;
  const [, name, path = '', query = ''] =
    /^([-a-zA-Z_0-9.]+)(\/[^?]*)?(\?.*)?$/.exec(url.slice(prefix.length)) ?? [];
  if (name === undefined || name === '.' || name === '..') return undefined;
  return { name, path: `${path === '' ? '/' : path}${query}` };
}
