import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Environment } from '#shared/config.ts';
import { CloudError, errorMessage } from '#shared/errors.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { readOptionalSecret } from '#shared/secrets.ts';
import { mergeEnvironment, parseEnvironmentFile } from '#shared/stack-file/environment-file.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';

/** What somebody asked to be examined; `undefined` is the default. */
export interface SubjectOptions {
  /** The folder of secrets. */
  readonly secrets: string | undefined;
  /** A gateway whose functions have the variables. */
  readonly deployed: string | undefined;
  /** Variables of one's own. */
  readonly set: Environment;
}

/** What is examined. */
export interface Subject {
  readonly env: Environment;
  /** What to tell about the choice, if it was not asked for. */
  readonly note?: string;
}

/**
 * Finds what is to be examined: what was asked for; else the files beside `stack.yml` with the secrets in
 * `.secrets`; else, where nobody made secrets, the platform that `npm start` runs here.
 *
 * @param root The project's root folder.
 * @param ownGateway Where `npm start` listens by default.
 * @returns `undefined` if nothing was asked for and nothing is configured.
 * @throws CloudError `OFC_CONFIG` if the platform of `npm start` does not answer; what a gateway refuses
 */
export async function findSubject(
  root: string,
  { secrets, deployed, set }: SubjectOptions,
  ownGateway = 'http://127.0.0.1:8080',
): Promise<Subject | undefined> {
  const folder = secrets === undefined ? join(root, '.secrets') : resolve(secrets);
  const at = async (url: string, path: string): Promise<Environment> => {
    const found = { secret_mount_path: path };
    return { ...(await variablesOfFunctions(url, found)), ...set, ...found };
  };
  if (deployed !== undefined) return { env: await at(deployed, folder) };
  const asked = secrets !== undefined || Object.keys(set).length > 0;
  if (asked || (await hasFiles(folder))) {
    return { env: { ...(await variablesOfFiles(root)), ...set, secret_mount_path: folder } };
  }
  const own = join(root, '.openfaas-cloud', 'secrets');
  if (!(await hasFiles(own))) return undefined;
  try {
    const note = `There are no secrets in .secrets: this is the platform of npm start at ${ownGateway}.`;
    return { env: await at(ownGateway, own), note };
  } catch (error) {
    throw new CloudError(
      'OFC_CONFIG',
      `There are no secrets in .secrets, and the platform of npm start does not answer at ${ownGateway}: ${errorMessage(error)}`,
      {
        hint: 'Start it, or name it with --deployed and --secrets; for a cluster see docs/operators.md.',
        cause: error,
      },
    );
  }
}

async function hasFiles(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}

/** What stack.yml and the files beside it give the platform's functions. */
async function variablesOfFiles(root: string): Promise<Environment> {
  const stack = parseStack(await readFile(join(root, 'stack.yml'), 'utf8'));
  const names = new Set(stack.functions.flatMap(({ environmentFiles }) => environmentFiles));
  const files = await Promise.all(
    [...names].map(async (fileName) =>
      parseEnvironmentFile(await readFile(join(root, fileName), 'utf8'), { fileName }),
    ),
  );
  return mergeEnvironment({}, files);
}

/** What the functions at a gateway have, as far as it tells. */
async function variablesOfFunctions(url: string, secrets: Environment): Promise<Environment> {
  const user = readOptionalSecret('basic-auth-user', secrets);
  const password = readOptionalSecret('basic-auth-password', secrets);
  const client = createGatewayClient({
    url: url.replace(/\/+$/, ''),
    ...(user === undefined || password === undefined ? {} : { credentials: { user, password } }),
  });
  const functions = await client.list();
  const ours = functions.filter(({ labels }) => labels?.['role'] === 'openfaas-system');
  return Object.assign({}, ...ours.map(({ envVars }) => envVars ?? {}));
}
