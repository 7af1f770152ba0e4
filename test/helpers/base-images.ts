import { execFile } from 'node:child_process';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { type Pack, pack } from 'tar-stream';
import { progressEnds } from './engine-progress.ts';

const run = promisify(execFile);

/** The names of what {@link makeNodeBase} and {@link makeShellBase} leave in an engine. */
export const nodeBase = 'node:22-alpine';
export const shellBase = 'test/shell-watchdog:1';

/**
 * Makes a stand-in for `node:22-alpine`, on which the template's Dockerfile builds where no public
 * registry is reachable: this process's own Node and npm with the libraries they need, and busybox.
 * `apk`, `adduser` and `addgroup` do as much as the Dockerfile asks for.
 */
export async function makeNodeBase(docker: Docker): Promise<void> {
  const root = rootFolder();
  await addBusybox(root);
  const node = await realpath(process.execPath);
  await root.copy(node, 'usr/local/bin/node');
  for (const library of await librariesOf(node)) await root.copy(library, library.slice(1));
  const npm = join(node, '../../lib/node_modules/npm');
  await root.copyFolder(npm, 'usr/local/lib/node_modules/npm');
  root.link('usr/local/bin/npm', '../lib/node_modules/npm/bin/npm-cli.js');
  const certificates = 'etc/ssl/certs/ca-certificates.crt';
  const certified = await root.copy(`/${certificates}`, certificates).then(
    () => [`cafile=/${certificates}`],
    () => [],
  );
  const { stdout: registry } = await run('npm', ['config', 'get', 'registry']);
  const npmrc = [`registry=${registry.trim()}`, ...certified].join('\n');
  root.file('usr/local/etc/npmrc', npmrc);
  const append = (file: string, line: string) => `#!/bin/sh\necho '${line}' >> /etc/${file}\n`;
  root.file('usr/sbin/addgroup', append('group', 'app:x:12000:'), 0o755);
  root.file('usr/sbin/adduser', append('passwd', 'app:x:12000:12000::/home/app:/bin/sh'), 0o755);
  root.file('sbin/apk', '#!/bin/sh\necho "apk: this is a stand-in without packages" >&2\n', 0o755);
  await build(docker, nodeBase, root, 'CMD ["node"]\n');
}

/** One HTTP request on stdin, one answer on stdout: the least of of-watchdog's contract. */
const shellWatchdog = `#!/bin/sh
read -r method path version
length=0
while read -r line; do
  line=\${line%"$(printf '\\r')"}
  [ -n "$line" ] || break
  case "$line" in [Cc]ontent-[Ll]ength:*) length=\${line#*: } ;; esac
done
case "$path" in
  /_/health | /_/ready) body=OK ;;
  *) body=$(head -c "$length" | $fprocess) ;;
esac
printf 'HTTP/1.1 200 OK\\r\\nContent-Length: %s\\r\\nConnection: close\\r\\n\\r\\n%s' "\${#body}" "$body"
`;

/**
 * Makes a base for functions in shell: busybox, and a watchdog that runs `$fprocess` for each request,
 * with the body on its stdin.
 */
export async function makeShellBase(docker: Docker): Promise<void> {
  const root = rootFolder();
  await addBusybox(root);
  root.file('usr/bin/watchdog', shellWatchdog, 0o755);
  const start = ['nc', '-ll', '-p', '8080', '-e', '/usr/bin/watchdog'];
  await build(docker, shellBase, root, `EXPOSE 8080\nCMD ${JSON.stringify(start)}\n`);
}

interface RootFolder {
  readonly archive: Pack;
  file(path: string, content: string | Buffer, mode?: number): void;
  folder(path: string, mode: number): void;
  link(path: string, target: string): void;
  copy(from: string, path: string): Promise<void>;
  copyFolder(from: string, path: string): Promise<void>;
}

/** A build context whose `root/` becomes the image. Times are fixed, so that digests are. */
function rootFolder(): RootFolder {
  const archive = pack();
  const at = (path: string) => ({ name: `root/${path}`, mtime: new Date(0) });
  const folder: RootFolder = {
    archive,
    file: (path, content, mode = 0o644) => void archive.entry({ ...at(path), mode }, content),
    folder: (path, mode) => void archive.entry({ ...at(path), type: 'directory', mode }),
    link: (path, linkname) => void archive.entry({ ...at(path), type: 'symlink', linkname }),
    async copy(from, path) {
      folder.file(path, await readFile(from), 0o755);
    },
    async copyFolder(from, path) {
      const entries = await readdir(from, { withFileTypes: true, recursive: true });
      for (const entry of entries.filter((found) => found.isFile())) {
        const source = join(entry.parentPath, entry.name);
        await folder.copy(source, `${path}${source.slice(from.length)}`);
      }
    },
  };
  return folder;
}

async function addBusybox(root: RootFolder): Promise<void> {
  const { stdout: program } = await run('which', ['busybox']);
  await root.copy(program.trim(), 'bin/busybox');
  const { stdout: applets } = await run('busybox', ['--list']);
  for (const name of applets.split('\n').filter((applet) => applet !== '' && applet !== 'busybox'))
    root.link(`bin/${name}`, 'busybox');
  root.link('usr/bin/env', '../../bin/busybox');
  root.folder('tmp', 0o1777);
  root.file('etc/passwd', 'root:x:0:0::/:/bin/sh\n');
  root.file('etc/group', 'root:x:0:\n');
}

async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? []);
}

async function build(
  docker: Docker,
  name: string,
  { archive }: RootFolder,
  settings: string,
): Promise<void> {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const dockerfile = `FROM scratch\nCOPY root/ /\nENV PATH=${path}\n${settings}`;
  archive.entry({ name: 'Dockerfile' }, dockerfile);
  archive.finalize();
  const context = archive.pipe(new PassThrough());
  await progressEnds(docker, await docker.buildImage(context, { t: name }));
}
