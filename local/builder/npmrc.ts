import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudError } from '#shared/errors.ts';

const userConfig = 'npm_config_userconfig';

/** Registries, and credentials for one host. Other settings of npm read files or run programs. */
const allowed = [
  /^(?:@[a-z0-9~-][\w.~-]*:)?registry\s*=\s*https?:\/\/[^\s$]+$/i,
  /^\/\/[\w.:/@%~-]+:(?:_authToken|_auth|username|_password|email)\s*=\s*[^\s$]+$/,
  /^always-auth\s*=\s*\w+$/,
];

/**
 * The variables with which npm uses the build secret `npmrc`, besides what the operator's own file says.
 *
 * @param own The secret, and the folder that the file is written to.
 * @throws CloudError `OFC_BUILD_FAILED` with the line; what stands there is not in the message.
 */
export async function withNpmrc(
  environment: Readonly<Record<string, string>>,
  { npmrc, folder }: { readonly npmrc: string; readonly folder: string },
): Promise<Record<string, string>> {
  const lines = npmrc.split(/\r?\n/).map((line) => line.trim());
  const wrong = lines.findIndex(
    (line) => !/^(?:[#;].*)?$/.test(line) && !allowed.some((pattern) => pattern.test(line)),
  );
  if (wrong !== -1) {
    throw new CloudError(
      'OFC_BUILD_FAILED',
      `The build secret "npmrc", line ${wrong + 1}: only registries and credentials for a host are taken here.`,
      {
        hint: 'Such as //npm.example.com/:_authToken=… or @scope:registry=https://npm.example.com/.',
      },
    );
  }
  const operators = environment[userConfig];
  const before = operators === undefined ? '' : await readFile(operators, 'utf8').catch(() => '');
  const path = join(folder, 'npmrc');
  await writeFile(path, `${before}\n${lines.join('\n')}\n`, { mode: 0o600, flag: 'wx' });
  return { ...environment, [userConfig]: path };
}
