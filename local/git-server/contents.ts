import type { ApiAnswer, ApiCall } from './api-router.ts';
import type { Json } from './github-shapes.ts';
import { notFound } from './http-error.ts';
import { type FoundRepo, requireCommit, type Services } from './services.ts';

interface Entry {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  readonly size: number;
  readonly path: string;
}

/** Up to this size GitHub puts a file into the JSON answer; larger ones are only given raw. */
const maxInline = 1024 * 1024;

/**
 * A file or the list of a folder at a commit.
 *
 * @see https://docs.github.com/en/rest/repos/contents#get-repository-content
 * @throws HttpError 404, 422
 */
export async function readContents(
  services: Services,
  found: FoundRepo,
  call: ApiCall,
): Promise<ApiAnswer> {
  const path = call.param('path').replace(/\/+$/, '');
  const name = call.query.get('ref') ?? found.repo.defaultBranch;
  const commit = await requireCommit(services, found, name);
  const list = async (tree: string, ...only: string[]): Promise<Entry[]> => {
    const output = await services.git.read(found.gitFolder, [
      'ls-tree',
      '-z',
      '-l',
      '--full-tree',
      tree,
      '--',
      ...only,
    ]);
    return output.toString('utf8').split('\0').filter(Boolean).map(parseEntry);
  };
  const entryJson = (entry: Entry, fullPath: string): Json => {
    const at = services.addresses();
    const url = `${at.api}/repos/${found.fullName}/contents/${encodeURI(fullPath)}?ref=${encodeURIComponent(name)}`;
    return {
      type: typeOf(entry),
      size: entry.size,
      name: fullPath.split('/').at(-1),
      path: fullPath,
      sha: entry.id,
      url,
      html_url: null,
      git_url: null,
      download_url: null,
    };
  };

  if (path === '') {
    return { status: 200, body: (await list(commit)).map((entry) => entryJson(entry, entry.path)) };
  }
  if (/\0|(?:^|\/)\.{0,2}(?:\/|$)/.test(path)) throw notFound();
  const [entry] = await list(commit, path);
  if (entry === undefined || entry.path !== path) throw notFound();
  if (entry.type === 'tree') {
    const inside = await list(entry.id);
    return { status: 200, body: inside.map((child) => entryJson(child, `${path}/${child.path}`)) };
  }
  if (entry.type !== 'blob') return { status: 200, body: entryJson(entry, path) };
  const wantsRaw = call.accept.includes('.raw');
  const content =
    wantsRaw || entry.size <= maxInline
      ? await services.git.read(found.gitFolder, ['cat-file', 'blob', entry.id])
      : undefined;
  if (wantsRaw && content !== undefined) {
    return { status: 200, raw: content, headers: { 'content-type': 'application/octet-stream' } };
  }
  const body =
    content === undefined
      ? { encoding: 'none', content: '' }
      : { encoding: 'base64', content: content.toString('base64') };
  return { status: 200, body: { ...entryJson(entry, path), ...body } };
}

/** `<mode> <type> <id> <padded size>\t<path>` */
function parseEntry(line: string): Entry {
  const tab = line.indexOf('\t');
  const [mode = '', type = '', id = '', size = ''] = line.slice(0, tab).split(/ +/);
  return { mode, type, id, size: Number(size) || 0, path: line.slice(tab + 1) };
}

function typeOf({ type, mode }: Entry): string {
  if (type === 'tree') return 'dir';
  if (type === 'commit') return 'submodule';
  return mode === '120000' ? 'symlink' : 'file';
}
