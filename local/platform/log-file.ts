import { createWriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

const maxBytes = 10 * 1024 * 1024;

/** Opens `<data>/platform.log` for more lines; one that has grown is kept as `platform.log.1`. */
export async function openLogFile(
  data: string,
): Promise<{ readonly path: string; readonly write: (line: string) => void }> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const path = join(data, 'platform.log');
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxBytes) await rename(path, `${path}.1`);
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  return { path, write: (line) => void stream.write(line) };
}
