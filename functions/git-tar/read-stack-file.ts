import { isUtf8 } from 'node:buffer';
import { CloudError } from '#shared/errors.ts';
import { quotePath } from '#shared/shrinkwrap/path-problem.ts';
import type { SourceTree, TreeEntry } from '#shared/shrinkwrap/source-tree.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';
import type { StackFile } from '#shared/stack-file/stack-file.ts';

/** faas-cli takes `stack.yaml` if there is one. */
const stackFiles = ['stack.yaml', 'stack.yml'];

/** Folders of the root that are looked into for a stack file that lies too deep. */
const maxFolders = 50;

/**
 * Reads the stack file of a repo.
 *
 * @throws CloudError `OFC_STACK_MISSING` with what may have been meant; `OFC_STACK_INVALID` with the line.
 */
export async function readStackFile(
  repo: SourceTree,
): Promise<{ stack: StackFile; fileName: string }> {
  const root = (await repo.list('')) ?? [];
  const [fileName, ignored] = stackFiles.filter((name) =>
    root.some(({ path, kind }) => path === name && kind === 'file'),
  );
  if (fileName === undefined) throw await missing(repo, root);
  const bytes = await repo.read(fileName);
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new CloudError('OFC_STACK_INVALID', `${fileName} is not a text in UTF-8.`, {
      hint: 'Save it as UTF-8. In Windows PowerShell 5, ">" writes UTF-16.',
    });
  }
  const stack = parseStack(bytes.toString('utf8'), { fileName });
  const warnings =
    ignored === undefined ? [] : [`${ignored} is ignored, because there is ${fileName}.`];
  return { stack: { ...stack, warnings: [...warnings, ...stack.warnings] }, fileName };
}

/** Names what looks like the stack file: in another case, under another name, or one folder down. */
async function missing(repo: SourceTree, root: readonly TreeEntry[]): Promise<CloudError> {
  const fail = (but: string, hint: string): CloudError =>
    new CloudError('OFC_STACK_MISSING', `The repo has no stack.yml in its root folder${but}.`, {
      hint,
    });
  const link = root.find(({ path, kind }) => stackFiles.includes(path) && kind !== 'file');
  if (link !== undefined) {
    const what = link.kind === 'symlink' ? 'symbolic link' : 'folder';
    return fail(`: ${link.path} is a ${what}`, 'Commit the file itself under this name.');
  }
  const files = root.filter(({ kind }) => kind === 'file');
  const meant =
    files.find(({ path }) => stackFiles.includes(path.toLowerCase())) ??
    (await firstStackFile(repo, files));
  if (meant !== undefined) {
    return fail(`, but ${quotePath(meant.path)}`, 'Rename it to stack.yml and commit that.');
  }
  const folders = root.filter(({ kind }) => kind === 'directory').slice(0, maxFolders);
  for (const folder of folders) {
    const inside = (await repo.list(folder.path)) ?? [];
    const found = stackFiles
      .map((name) => `${folder.path}/${name}`)
      .find((path) => inside.some((entry) => entry.path === path && entry.kind === 'file'));
    if (found === undefined) continue;
    return fail(
      `, but ${quotePath(found)}`,
      'Move it to the root; its paths then begin there too.',
    );
  }
  return fail('', 'Make one with "faas-cli new <name> --lang node-ts" and commit it.');
}

/** faas-cli wrote `<name>.yml` for a long time. */
async function firstStackFile(
  repo: SourceTree,
  files: readonly TreeEntry[],
): Promise<TreeEntry | undefined> {
  for (const file of files.filter(({ path }) => /\.ya?ml$/i.test(path)).slice(0, maxFolders)) {
    const text = (await repo.read(file.path)).toString('utf8');
    if (/^provider:/m.test(text) && /^functions:/m.test(text)) return file;
  }
  return undefined;
}
