/**
 * A line of a build log with the paths that its author knows: a place in `function/`, where the handler lies
 * in the build context, becomes one in the handler's folder of the repo. Only places with a line are meant, as
 * compilers name them; what a Dockerfile says of `function/` stays.
 *
 * @param handler The folder in the repo, `.` for its root; `undefined` if it is not known.
 * @example
 * inRepo('function/handler.ts:3:5: Expected ";"', './greet'); // 'greet/handler.ts:3:5: Expected ";"'
 */
export function inRepo(line: string, handler: string | undefined): string {
  if (handler === undefined) return line;
  const folder = handler.replace(/^(?:\.\/)+|^\.$/, '').replace(/\/+$/, '');
  const prefix = folder === '' ? '' : `${folder}/`;
  return line.replace(
    /(^|[\s"'([])function\/([^\s:()"']+)(?=[:(]\d)/g,
    (_, before: string, path: string) => `${before}${prefix}${path}`,
  );
}
