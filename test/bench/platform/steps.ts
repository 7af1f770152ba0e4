import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Records } from '#shared/pipeline/records.ts';
import { deploymentPrefix } from '#shared/pipeline/records.ts';
import { formatTimeLine, type Moment } from '#shared/pipeline/time-line.ts';
import { folderPath } from '../../../local/object-store/key-paths.ts';

const buckets = 'objects/buckets/pipeline';

/** What the objects of a deployment mean, by their file names below its folder. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/^deployment\.json=$/, 'push received'],
  [/^claims\+\/plan\+\//, 'checkout begins'],
  [/^fn\+\/(.+)\+\/context\.tar=$/, 'checked out, build context kept'],
  [/^plan\.json=$/, 'planned'],
  [/^claims\+\/build\+\//, 'build begins'],
  [/^fn\+\/.+\+\/build\.json=$/, 'built and pushed'],
  [/^claims\+\/deploy\+\//, 'roll-out begins'],
  [/^fn\+\/.+\+\/deploy\.json=$/, 'the new replica answers'],
  [/^closed\.json=$/, 'closed'],
  [/^told\+\/status=$/, 'the commit has its last check'],
];

type Loaded = NonNullable<Awaited<ReturnType<Records['load']>>>;

/**
 * What happened when in the deployment of a stack with one function, from when its objects were written to
 * the embedded store: more moments than its records name. A claim that was renewed, after seconds, shows late.
 *
 * @param data The platform's data folder.
 */
export async function stepLine(data: string, { deployment }: Loaded): Promise<string> {
  const folder = join(data, buckets, folderPath(deploymentPrefix(deployment)));
  const names = await readdir(folder, { recursive: true });
  const moments = await Promise.all(
    names.map(async (name): Promise<Moment[]> => {
      const what = meanings.find(([pattern]) => pattern.test(name))?.[1];
      if (what === undefined || !name.endsWith('=')) return [];
      const { mtimeMs } = await stat(join(folder, name));
      return [{ ms: Math.round(mtimeMs - deployment.receivedAt), what }];
    }),
  );
  return formatTimeLine(moments.flat().sort((a, b) => a.ms - b.ms));
}

/** What each step of a build that took a tenth of a second or more took, from BuildKit's log. */
export function buildSteps(log: readonly string[]): string[] {
  const names = new Map<string, string>();
  return log.flatMap((line) => {
    const [, number = '', text = ''] = /#(\d+) (.*)$/.exec(line) ?? [];
    if (!names.has(number)) names.set(number, text);
    const took = /^DONE ([\d.]+)s$/.exec(text)?.[1];
    return took === undefined || Number(took) < 0.1
      ? []
      : [`${took.padStart(6)} s  ${names.get(number)?.slice(0, 80)}`];
  });
}

/** {@link buildSteps} of a deployment's build. */
export async function loggedSteps(data: string, { deployment }: Loaded): Promise<string[]> {
  const { owner, repo, sha } = deployment;
  const folder = join(data, buckets, folderPath(`logs/${owner}/${repo}/${sha}/`));
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const name = names.find((found) => found.endsWith('build.log='));
  return name === undefined
    ? []
    : buildSteps((await readFile(join(folder, name), 'utf8')).split('\n'));
}
