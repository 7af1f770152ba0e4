import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudError, errorMessage, toCloudError } from '#shared/errors.ts';
import {
  type ContainerEngine,
  connectEngine,
  engineSockets,
  findEngine,
} from '../provider/container-engine.ts';
import { pullImage } from '../provider/container-images.ts';

/** What `--engine` takes. */
export const engineChoices = ['auto', 'process', 'docker'] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** What runs users' functions, and why. */
export interface ChosenEngine {
  /** `undefined`: processes. */
  readonly engine: ContainerEngine | undefined;
  readonly reason: string;
}

/** The images that the template builds on. */
const templateBase = 'node:22-alpine';
const pullTimeoutMs = 3 * 60_000;

/**
 * Decides once for a data folder what runs users' functions there: images that were built for one engine
 * do not run on the other. `auto` takes Docker if it answers and has, or can pull, what functions build on.
 *
 * @param dockerHost The variable `DOCKER_HOST`.
 * @throws CloudError `OFC_CONFIG` if Docker is asked for and cannot be used, or if the folder is the
 *   other engine's.
 */
export async function chooseEngine(
  choice: EngineChoice,
  { data, dockerHost }: { data: string; dockerHost: string | undefined },
): Promise<ChosenEngine> {
  const file = join(data, 'engine');
  const kept = await keptChoice(file, data);
  if (kept !== undefined && choice !== 'auto' && choice !== kept) {
    throw new CloudError(
      'OFC_CONFIG',
      `The functions in ${data} were built for --engine ${kept}.`,
      {
        hint: 'Choose another folder with --data, or remove this one.',
      },
    );
  }
  if (kept === 'docker') return resume(engineSockets(dockerHost));
  const chosen = await choose(kept ?? choice, dockerHost);
  await writeFile(file, chosen.engine === undefined ? 'process' : 'docker');
  if (kept === undefined) return chosen;
  const reason = 'the functions of this data folder were built for processes';
  return choice === 'process' ? chosen : { ...chosen, reason };
}

async function choose(choice: EngineChoice, dockerHost: string | undefined): Promise<ChosenEngine> {
  if (choice === 'process') return { engine: undefined, reason: '--engine process was asked for' };
  if (choice === 'docker') {
    return {
      engine: await findEngine(engineSockets(dockerHost)),
      reason: '--engine docker was asked for',
    };
  }
  try {
    const engine = await findEngine(engineSockets(dockerHost));
    try {
      await pullImage(engine.docker, templateBase, AbortSignal.timeout(pullTimeoutMs));
    } catch (error) {
      const why = errorMessage(error);
      const reason = `${engine.name} answers, but cannot pull ${templateBase}: ${why}`;
      return { engine: undefined, reason };
    }
    return { engine, reason: `${engine.name} answers` };
  } catch (error) {
    return { engine: undefined, reason: toCloudError(error).message.replace(/\.$/, '') };
  }
}

/** Docker may be down at the moment: functions start once it is back. */
async function resume(sockets: readonly string[]): Promise<ChosenEngine> {
  const reason = 'the functions of this data folder were built for containers';
  try {
    return { engine: await findEngine(sockets), reason };
  } catch (error) {
    const socket = sockets.find(existsSync) ?? sockets[0] ?? '';
    const now = toCloudError(error).message.replace(/\.$/, '');
    return {
      engine: await connectEngine(socket),
      reason: `${reason}; they start once it answers (${now})`,
    };
  }
}

async function keptChoice(file: string, data: string): Promise<'process' | 'docker' | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.trim() === 'docker' || text.trim() === 'process')
    return text.trim() as 'process' | 'docker';
  // A folder from before there was a choice.
  return existsSync(join(data, 'gateway')) ? 'process' : undefined;
}
