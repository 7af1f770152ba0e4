import { RegistryError } from './registry-error.ts';
import { answerBody, type RegistryContext } from './registry-request.ts';

/** GET `/v2/<name>/tags/list` */
export async function listTags(context: RegistryContext): Promise<void> {
  const { files, repository, reference } = context;
  const tags = reference === 'list' ? await files.tags(repository) : undefined;
  if (tags === undefined) throw new RegistryError('NAME_UNKNOWN', 'There is no such repository.');
  answerPage(context, tags, `/v2/${repository}/tags/list`, (page) => ({
    name: repository,
    tags: page,
  }));
}

/** GET `/v2/_catalog` */
export async function listRepositories(context: RegistryContext): Promise<void> {
  const repositories = await context.files.repositories();
  answerPage(context, repositories, '/v2/_catalog', (page) => ({ repositories: page }));
}

/** The names after `last`, at most `n` of them, with a link to the next page. */
function answerPage(
  context: RegistryContext,
  names: readonly string[],
  path: string,
  json: (page: readonly string[]) => unknown,
): void {
  const { query } = context;
  const last = query.get('last') ?? '';
  const rest = names.filter((name) => name > last);
  const asked = query.get('n') ?? String(rest.length);
  if (!/^\d{1,9}$/.test(asked)) throw new RegistryError('UNSUPPORTED', 'n is not a number.');
  const page = rest.slice(0, Number(asked));
  const next = page.length < rest.length ? page.at(-1) : undefined;
  const link = `<${path}?n=${asked}&last=${encodeURIComponent(next ?? '')}>; rel="next"`;
  answerBody(context, Buffer.from(JSON.stringify(json(page))), {
    'content-type': 'application/json',
    ...(next === undefined ? {} : { link }),
  });
}
