import * as v from 'valibot';
import { parseSha } from '#shared/names.ts';
import { deploymentId } from '#shared/pipeline/deployment.ts';
import { type PushMessage, pushMessageSchema } from '#shared/pipeline/messages.ts';
import type { PlannedFunction } from '#shared/pipeline/plan.ts';
import type { TenantLimits } from '../../functions/buildshiprun/function-deployment.ts';

/** The message about a push to alice/hello; its id follows from the rest unless it is given. */
export function testPush(
  changes: Partial<Record<keyof PushMessage, string | number | boolean>> = {},
): PushMessage {
  const { receivedAt = 1_700_000_000_000, sha = 'a'.repeat(40) } = changes;
  const id = deploymentId(Number(receivedAt), parseSha(sha), `github:${receivedAt}`, 1);
  return v.parse(pushMessageSchema, {
    owner: 'alice',
    repo: 'hello',
    id,
    scm: 'github',
    ownerId: 11,
    repoId: 22,
    fullName: 'Alice/hello',
    private: false,
    cloneUrl: 'https://github.com/Alice/hello.git',
    repoUrl: 'https://github.com/Alice/hello',
    branch: 'master',
    defaultBranch: 'master',
    sha,
    before: '0'.repeat(40),
    receivedAt,
    pusher: 'alice',
    installationId: 7,
    ...changes,
  });
}

/** A planned function of alice/hello. */
export function testFunction(key: string): PlannedFunction {
  return {
    key: key as PlannedFunction['key'],
    service: `alice-${key}` as PlannedFunction['service'],
    lang: 'node-ts',
    image: `registry.example/alice/hello-${key}:latest`,
    contextDigest: `sha256:${'0'.repeat(64)}`,
    contextSize: 1,
    buildKey: `sha256:${'1'.repeat(64)}`,
    buildArgs: {},
    environment: {},
    secrets: [],
    labels: {},
    annotations: {},
    constraints: [],
    limits: undefined,
    requests: undefined,
    envProcess: undefined,
    readOnlyRootFilesystem: undefined,
  };
}

/** What an operator lets functions have. */
export const testLimits: TenantLimits = {
  memory: '128Mi',
  cpu: undefined,
  cpuRequest: undefined,
  readOnlyRootFilesystem: true,
  scaleMin: 1,
  scaleMax: 4,
  scaleFactor: 20,
  scaleToZero: true,
};
