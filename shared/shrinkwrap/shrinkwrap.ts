import { CloudError } from '../errors.ts';
import type { StackFunction } from '../stack-file/stack-file.ts';
import type { TemplateYml } from '../stack-file/template-yml.ts';
import { ContextCollector, join } from './collect.ts';
import type { ContextEntry } from './context-entry.ts';
import { defaultSourceLimits, type SourceLimits } from './limits.ts';
import { lookUp } from './look-up.ts';
import type { SourceTree } from './source-tree.ts';

/** What a build context is made of. */
export interface ShrinkwrapInput {
  readonly repo: SourceTree;
  /** The folder of the function's template; not needed for `lang: dockerfile`. */
  readonly template?: SourceTree | undefined;
  readonly templateYml?: Pick<TemplateYml, 'handlerFolder'> | undefined;
  readonly fn: Pick<StackFunction, 'key' | 'line' | 'lang' | 'handler'>;
  /** `configuration.copy` of the stack file. */
  readonly copy: readonly string[];
  readonly limits?: SourceLimits;
  /** The stack file's name in messages. Default `stack.yml`. */
  readonly fileName?: string;
}

/** What faas-cli leaves out directly below a handler, because it puts its own work there. */
const notOfHandler: ReadonlySet<string> = new Set(['build', 'template']);

/**
 * Makes the build context that `faas-cli build --shrinkwrap` makes: the template, over it the handler
 * in the template's handler folder, over that the copied paths. `lang: dockerfile` takes no template and
 * puts handler and copies at the root. Only the repo's handler and copied paths are looked at: a `template`
 * folder of the repo changes nothing.
 *
 * Differs for what no honest repo holds: links, submodules, `.git`, odd names and anything over the limits
 * are refused instead of followed or copied. File modes become 0644 or 0755.
 *
 * @returns the entries in the order of a folder walk
 * @throws CloudError `OFC_SOURCE_REFUSED`, `OFC_STACK_INVALID` (a path is missing), `OFC_TEMPLATE`
 */
export async function shrinkwrap(input: ShrinkwrapInput): Promise<ContextEntry[]> {
  const { repo, fn, limits = defaultSourceLimits, fileName = 'stack.yml' } = input;
  const collector = new ContextCollector(limits);
  const missing = (what: string, line?: number) =>
    new CloudError('OFC_STACK_INVALID', `${fileName}${line ? ` line ${line}` : ''}: ${what}`, {
      hint: 'Paths are relative to the repo’s root; check spelling and case, and that it is committed.',
    });

  let target = '';
  if (fn.lang !== 'dockerfile') {
    if (!input.template) {
      throw new CloudError('OFC_TEMPLATE', `The template "${fn.lang}" of "${fn.key}" is missing.`);
    }
    target = input.templateYml?.handlerFolder ?? 'function';
    if (target === '.') target = '';
    await collector.takeFolder(input.template, '', '');
  }

  const handler = fn.handler === '.' ? undefined : await lookUp(repo, fn.handler);
  if (fn.handler !== '.' && handler?.kind !== 'directory') {
    const what = handler ? 'is a file, not a folder' : 'does not exist';
    throw missing(`the handler "${fn.handler}" of "${fn.key}" ${what}.`, fn.line);
  }
  await collector.takeFolder(repo, handler?.path ?? '', target, notOfHandler);

  for (const path of input.copy) {
    const entry = await lookUp(repo, path);
    if (!entry) throw missing(`the path "${path}" of configuration.copy does not exist.`);
    if (entry.kind === 'file') collector.takeFile(repo, entry, join(target, path));
    else await collector.takeFolder(repo, path, join(target, path));
  }
  return collector.read();
}
