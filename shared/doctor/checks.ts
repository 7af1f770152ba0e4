import type { Check } from './check.ts';
import { checkBuilder } from './check-builder.ts';
import { checkGateway } from './check-gateway.ts';
import { checkGithub } from './check-github.ts';
import { checkClocks, checkHosts } from './check-hosts.ts';
import { checkQueue, checkSweeps } from './check-queue.ts';
import { checkRegistry } from './check-registry.ts';
import { checkGitea, checkGitlab } from './check-scms.ts';
import { checkSecrets } from './check-secrets.ts';
import { checkStore } from './check-store.ts';

/** All checks, in the order in which one would repair. */
export const checks: readonly Check[] = [
  checkSecrets,
  checkGateway,
  checkStore,
  checkQueue,
  checkSweeps,
  checkBuilder,
  checkRegistry,
  checkGithub,
  checkGitlab,
  checkGitea,
  checkHosts,
  checkClocks,
];
