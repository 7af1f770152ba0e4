import { createWriteStream } from 'node:fs';
import { access, constants, mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudError, errorMessage } from '#shared/errors.ts';

const maxBytes = 10 * 1024 * 1024;

/**
 * Opens `<data>/platform.log` for more lines; one that has grown is kept as `platform.log.1`.
 *
 * @throws CloudError `OFC_CONFIG` if there can be no such folder.
 */
export async function openLogFile(
  data: string,
): Promise<{ readonly path: string; readonly write: (line: string) => void }> {
  await makeFolder(data);
  const path = join(data, 'platform.log');
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxBytes) await rename(path, `${path}.1`);
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  return { path, write: (line) => void stream.write(line) };
}

async function makeFolder(data: string): Promise<void> {
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await access(data, constants.W_OK);
  } catch (error) {
    throw new CloudError(
      'OFC_CONFIG',
      `The data folder ${data} cannot be used: ${errorMessage(error)}.`,
      {
        hint: 'Choose another one with --data.',
      },
    );
  }
}
