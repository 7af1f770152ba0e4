import { pathProblem, quotePath } from '../shrinkwrap/path-problem.ts';
import type { YamlValue } from './yaml-value.ts';

/**
 * A path below the repo's root, cleaned: `./hello/` is `hello`, `.` stays `.`. Absolute paths and those
 * with `..`, a backslash or a control character are refused even where they would end inside the repo.
 *
 * @throws CloudError that names the line
 */
export function readRelativePath(value: YamlValue): string {
  const text = value.text();
  const hint = 'Give a path below the folder of the file, such as ./hello.';
  if (text === '') throw value.error(`${value.place} is empty.`, hint);
  // Only these harmless parts are cleaned away; everything else is judged as it is written.
  const cleaned = text
    .split('/')
    .filter((part, index) => part !== '.' && (part !== '' || index === 0));
  const path = cleaned.join('/');
  if (path === '') return text.startsWith('/') ? refuse(value, text, 'is absolute', hint) : '.';
  const problem = pathProblem(path);
  if (problem !== undefined) return refuse(value, text, problem, hint);
  return path;
}

function refuse(value: YamlValue, text: string, problem: string, hint: string): never {
  throw value.error(`${value.place}: the path ${quotePath(text)} ${problem}.`, hint);
}
