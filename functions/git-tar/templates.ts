import { CloudError } from '#shared/errors.ts';
import type { FetchedTree } from '#shared/git/fetch-commit.ts';
import type { SourceTree } from '#shared/shrinkwrap/source-tree.ts';
import { createSubTree } from '#shared/shrinkwrap/sub-tree.ts';
import { parseTemplateYml, type TemplateYml } from '#shared/stack-file/template-yml.ts';

/** A language template, ready to be shrink-wrapped with a handler. */
export interface Template {
  readonly tree: SourceTree;
  readonly yml: TemplateYml;
  /** Build arguments that every function of this language gets. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** What the user should know, shown in the check. */
  readonly note?: string;
  /** Names of which the handler's folder must have one; not known of templates that are not ours. */
  readonly handlerFiles?: readonly string[];
}

/** Finds templates by the `lang` of stack.yml. */
export interface Templates {
  /** @throws CloudError `OFC_TEMPLATE` if there is none, `OFC_UPSTREAM` if it cannot be fetched. */
  find(lang: string): Promise<Template>;
}

interface TemplateSources {
  /** A folder that holds one folder for each built-in template. */
  readonly builtIn: SourceTree;
  /** Languages built by a built-in template instead of their own, such as `node22` by `node-ts`. */
  readonly aliases: Readonly<Record<string, string>>;
  /** The operator's template repos, each an http(s) URL with an optional `#ref`, in this order. */
  readonly repositories: readonly string[];
  readonly enableDockerfile: boolean;
  /** The current commit of a repo, fetched anew only if it changed. */
  readonly fetch: (repository: string) => Promise<FetchedTree>;
}

/** A template name that can stand in a path. */
const langPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Makes {@link Templates}: built-in ones first, then the operator's repos. */
export function createTemplates(sources: TemplateSources): Templates {
  return {
    async find(lang) {
      if (lang === 'dockerfile') return dockerfile(sources);
      if (!langPattern.test(lang)) throw unknown(lang, sources);
      const alias = Object.hasOwn(sources.aliases, lang) ? sources.aliases[lang] : undefined;
      const builtIn = await templateIn(sources.builtIn, alias ?? lang);
      if (builtIn !== undefined) {
        const handlerFiles = handlerFilesOf(lang);
        return alias === undefined
          ? { ...builtIn, ...handlerFiles }
          : { ...builtIn, ...handlerFiles, ...compatible(lang, alias) };
      }
      for (const repository of sources.repositories) {
        const { tree } = await sources.fetch(repository);
        const found = await templateIn(createSubTree(tree, 'template'), lang);
        if (found !== undefined) return found;
      }
      throw unknown(lang, sources);
    },
  };
}

function dockerfile({ enableDockerfile }: TemplateSources): Template {
  if (!enableDockerfile) {
    throw new CloudError(
      'OFC_TEMPLATE',
      'Functions with "lang: dockerfile" are not enabled here.',
      {
        hint: 'Use a language template, or ask the operator to set enable_dockerfile_lang (npm start: --engine docker).',
      },
    );
  }
  const empty: SourceTree = {
    list: async () => [],
    read: async (path) => {
      throw new CloudError('OFC_NOT_FOUND', `There is no file ${path}.`);
    },
  };
  return { tree: empty, yml: parseTemplateYml('language: dockerfile\n'), buildArgs: {} };
}

async function templateIn(tree: SourceTree, name: string): Promise<Template | undefined> {
  const files = await tree.list(name);
  if (!files?.some(({ path }) => path === `${name}/template.yml`)) return undefined;
  const yml = parseTemplateYml((await tree.read(`${name}/template.yml`)).toString('utf8'));
  return { tree: createSubTree(tree, name), yml, buildArgs: {} };
}

/** As in the template's build.mjs, which takes the sample beside them if there is none. */
function handlerFilesOf(lang: string): Pick<Template, 'handlerFiles'> {
  if (/^node\d+$/.test(lang)) return { handlerFiles: ['handler.js'] };
  if (lang !== 'node-ts') return {};
  return { handlerFiles: ['ts', 'js', 'mjs', 'cjs', 'mts'].map((ending) => `handler.${ending}`) };
}

function compatible(lang: string, alias: string): Pick<Template, 'buildArgs' | 'note'> {
  return {
    buildArgs: { OFC_CLASSIC: lang },
    note: `"${lang}" runs on the ${alias} runtime here; it takes the same handler.`,
  };
}

function unknown(lang: string, { aliases, repositories }: TemplateSources): CloudError {
  const known = ['node-ts', ...Object.keys(aliases)].join(', ');
  const more = repositories.length === 0 ? '' : ` and those of ${repositories.join(', ')}`;
  return new CloudError('OFC_TEMPLATE', `There is no template for "lang: ${lang}".`, {
    hint: `Known here: ${known}${more}. Other languages need a container builder (npm start: --engine docker) and a template repo in custom_templates.`,
  });
}
