import { CloudError } from '#shared/errors.ts';
import { secretName, serviceName } from '#shared/names.ts';
import { buildKeyOf } from '#shared/pipeline/built-images.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import type { PlannedFunction } from '#shared/pipeline/plan.ts';
import { imageName } from '#shared/registry/image-name.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import type { Imported } from '#shared/sealed-secrets/secrets-messages.ts';
import type { SourceLimits } from '#shared/shrinkwrap/limits.ts';
import { quotePath } from '#shared/shrinkwrap/path-problem.ts';
import { shrinkwrap } from '#shared/shrinkwrap/shrinkwrap.ts';
import type { SourceTree } from '#shared/shrinkwrap/source-tree.ts';
import { parseEnvironmentFile } from '#shared/stack-file/environment-file.ts';
import {
  lineOf,
  type StackFile,
  type StackFunction,
  type TemplateSource,
} from '#shared/stack-file/stack-file.ts';
import { type PackedContext, packContext } from '#shared/tar/pack-context.ts';
import { readStackFile } from './read-stack-file.ts';
import { type ImportSecrets, secretsVersion, stackSecrets } from './stack-secrets.ts';
import type { Template, Templates } from './templates.ts';

/** What planning works with. */
export interface Planning {
  readonly templates: Templates;
  readonly pushRepositoryUrl: string;
  readonly limits: SourceLimits;
  /** Build arguments that a tenant may set. */
  readonly allowedBuildArgs: ReadonlySet<string>;
  readonly importSecrets: ImportSecrets;
  /** Takes each function with its build context, one at a time. */
  readonly onFunction: (fn: PlannedFunction, context: PackedContext) => Promise<void>;
}

/** The content of `plan.json` but for the time. */
export interface StackPlan {
  readonly functions: PlannedFunction[];
  readonly warnings: string[];
  /** Names of the secrets that the repo seals. */
  readonly secrets?: string[];
}

/**
 * From a commit's tree to the plan of its stack. The stack file is parsed once; what is built and
 * deployed comes from that one value.
 *
 * @throws CloudError of kind `user`, with the line of the stack file where there is one.
 */
export async function planStack(
  repo: SourceTree,
  deployment: Deployment,
  planning: Planning,
): Promise<StackPlan> {
  const { stack, fileName } = await readStackFile(repo);
  const wanted = stack.functions.filter(({ skipBuild }) => !skipBuild);
  if (wanted.length === 0) {
    throw new CloudError('OFC_STACK_INVALID', 'The stack file declares no function to build.', {
      hint: 'Add one below "functions:", or take "skip_build" away.',
    });
  }
  const imported = await stackSecrets(stack, fileName, repo, planning.importSecrets);
  const functions: PlannedFunction[] = [];
  const warnings = [...stack.warnings, ...stack.configuration.templates.map(templateIgnored)];
  warnings.push(...(imported?.warnings ?? []));
  for (let from = 0; from < wanted.length; from += parallelFunctions) {
    const planned = wanted
      .slice(from, from + parallelFunctions)
      .map((fn) => planFunction({ repo, deployment, planning, stack, fileName, imported }, fn));
    await Promise.allSettled(planned);
    for (const one of await Promise.all(planned)) {
      functions.push(one.planned);
      warnings.push(...one.warnings);
    }
  }
  return { functions, warnings, ...(imported && { secrets: imported.sealed }) };
}

/** Each has its whole build context in memory meanwhile. */
const parallelFunctions = 4;

interface Stack {
  readonly repo: SourceTree;
  readonly deployment: Deployment;
  readonly planning: Planning;
  readonly stack: StackFile;
  readonly fileName: string;
  readonly imported: Imported | undefined;
}

async function planFunction(
  { repo, deployment, planning, stack, fileName, imported }: Stack,
  fn: StackFunction,
): Promise<{ planned: PlannedFunction; warnings: string[] }> {
  const warnings = withoutEffect(fn);
  const place: Place = (key = '', item) => `${fileName} line ${lineOf(fn, key, item)}`;
  const template = await planning.templates.find(fn.lang).catch((error: unknown) => {
    throw withPlace(error, place('lang'));
  });
  if (template.note !== undefined) warnings.push(`${fn.key}: ${template.note}`);
  const entries = await shrinkwrap({
    repo,
    template: template.tree,
    templateYml: template.yml,
    fn: { ...fn, line: lineOf(fn, 'handler') },
    copy: stack.configuration.copy,
    limits: planning.limits,
    fileName,
  });
  const files = (await repo.list(fn.handler === '.' ? '' : fn.handler)) ?? [];
  const names = files.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
  requireHandler(template, [...names, ...stack.configuration.copy], place('handler'), fn);
  const context = await packContext(entries);
  const buildArgs = { ...tenantBuildArgs(fn, planning, warnings), ...template.buildArgs };
  const environment = await environmentOf(repo, fn, fileName);
  const version = secretsVersion(fn, imported);
  const planned = {
    ...plannedFunction(fn, deployment, planning, { context, buildArgs, environment, place }),
    ...(version !== undefined && { secretsVersion: version }),
  };
  await planning.onFunction(planned, context);
  return { planned, warnings };
}

/** Where a key of the function stands, or an item below it; without both, where the function does. */
type Place = (key?: string, item?: string) => string;

function saying<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw withPlace(error, place);
  }
}

/** The same error, with its place in the stack file; one that is not the user's stays as it is. */
function withPlace(error: unknown, place: string): unknown {
  if (!(error instanceof CloudError) || error.kind !== 'user') return error;
  const { code, message, hint, cause } = error;
  return new CloudError(code, `${place}: ${message}`, { ...(hint && { hint }), cause });
}

/** Without a file that the template loads, its own sample would be deployed: live, and not what was pushed. */
function requireHandler(
  { handlerFiles }: Template,
  names: readonly string[],
  place: string,
  { key, lang, handler }: StackFunction,
): void {
  if (handlerFiles === undefined || names.some((name) => handlerFiles.includes(name))) return;
  const found = names.length === 0 ? 'It is empty' : `It has ${names.slice(0, 5).join(', ')}`;
  throw new CloudError(
    'OFC_STACK_INVALID',
    `${place}: the folder ${quotePath(handler)} of "${key}" has no handler. ${found}.`,
    { hint: `For "lang: ${lang}" name the file ${handlerFiles.join(' or ')}.` },
  );
}

/** A template runs code in the build, so the operator chooses where it comes from. */
function templateIgnored({ name, line }: TemplateSource): string {
  return `Line ${line}: the template "${name}" of "configuration.templates" is ignored here.`;
}

function plannedFunction(
  fn: StackFunction,
  deployment: Deployment,
  { pushRepositoryUrl }: Planning,
  parts: {
    context: PackedContext;
    buildArgs: Record<string, string>;
    environment: Record<string, string>;
    place: Place;
  },
): PlannedFunction {
  const { owner, repo, branch, sha } = deployment;
  const { key: functionKey, image: wanted } = fn;
  const image = imageName({
    ...{ pushRepositoryUrl, owner, repo, branch, sha },
    functionKey,
    image: wanted,
  });
  const { context, buildArgs, environment, place } = parts;
  return {
    key: functionKey,
    service: saying(place(), () => serviceName(owner, functionKey)),
    lang: fn.lang,
    handler: fn.handler,
    image,
    contextDigest: context.digest,
    contextSize: context.size,
    buildKey: buildKeyOf(context.digest, repositoryOf(image), buildArgs),
    buildArgs,
    environment,
    secrets: fn.secrets.map((name) =>
      saying(place('secrets', name), () => secretName(owner, name)),
    ),
    labels: fn.labels,
    annotations: fn.annotations,
    constraints: [...fn.constraints],
    buildSecrets: Object.keys(fn.buildSecrets),
    ...(fn.fprocess === undefined ? {} : { envProcess: fn.fprocess }),
  };
}

function repositoryOf(image: string): string {
  const { host, repository } = parseImageReference(image);
  return `${host}/${repository}`;
}

/** Files override the map, as in faas-cli; the last file wins. */
async function environmentOf(
  repo: SourceTree,
  fn: StackFunction,
  fileName: string,
): Promise<Record<string, string>> {
  let environment = { ...fn.environment };
  for (const file of fn.environmentFiles) {
    const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '';
    const entries = (await repo.list(folder)) ?? [];
    if (!entries.some(({ path, kind }) => path === file && kind === 'file')) {
      throw new CloudError(
        'OFC_STACK_INVALID',
        `${fileName} line ${lineOf(fn, 'environment_file', file)}: the environment file "${file}" of "${fn.key}" is not in the repo.`,
      );
    }
    const text = (await repo.read(file)).toString('utf8');
    environment = { ...environment, ...parseEnvironmentFile(text, { fileName: file }) };
  }
  return environment;
}

/** Keys that faas-cli obeys and the platform does not: nobody should wait for them. */
function withoutEffect(fn: StackFunction): string[] {
  const given = {
    limits: Object.keys(fn.limits).length,
    requests: Object.keys(fn.requests).length,
    namespace: fn.namespace === undefined ? 0 : 1,
    platforms: fn.platforms.length,
    build_options: fn.buildOptions.length,
  };
  const names = Object.entries(given).flatMap(([name, count]) => (count > 0 ? [name] : []));
  return names.length === 0 ? [] : [`${fn.key}: has no effect here: ${names.join(', ')}.`];
}

function tenantBuildArgs(
  fn: StackFunction,
  { allowedBuildArgs }: Planning,
  warnings: string[],
): Record<string, string> {
  const refused = Object.keys(fn.buildArgs).filter((name) => !allowedBuildArgs.has(name));
  if (refused.length > 0) {
    warnings.push(`${fn.key}: build_args are ignored here: ${refused.join(', ')}.`);
  }
  return Object.fromEntries(
    Object.entries(fn.buildArgs).filter(([name]) => allowedBuildArgs.has(name)),
  );
}
