import { CloudError } from '#shared/errors.ts';
import type { FunctionSpec } from './provider.ts';

interface EnvironmentParts {
  readonly spec: FunctionSpec;
  /** `Env` of the image's configuration. */
  readonly imageEnv: readonly string[];
  /** The unix socket on which the function must listen, as the function sees it. */
  readonly socketPath: string;
  /** Its writable folder, as it sees it. */
  readonly tmpFolder: string;
  /** Where its secrets lie, as it sees it. */
  readonly secretFolder: string;
  readonly memoryBytes: number;
  /** The unix socket on which it shall serve its metrics, if anybody reads them. */
  readonly metricsSocket?: string | undefined;
}

// V8 takes up to three times this for young objects.
const youngMegabytes = 4;

/**
 * Everything a function finds in its environment. Nothing of the platform's own environment is in
 * it. As in a container, the function's settings win over the image's; what the provider relies on
 * wins over both.
 *
 * @throws CloudError `OFC_DEPLOY_FAILED` for a name or value no process can have.
 */
export function functionEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { spec } = parts;
  const settings: Record<string, string> = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: parts.tmpFolder,
    // The provider stops routing before it sends SIGTERM, so there is nothing to wait for.
    healthcheck_interval: '1ms',
    ...Object.fromEntries(parts.imageEnv.map(splitVariable)),
    ...spec.envVars,
  };
  if (spec.envProcess) settings['fprocess'] = spec.envProcess;
  // A real watchdog's port would move the function away from its socket.
  delete settings['http_port'];
  // The heap must fit into the limit beside code, stacks and buffers, and what is young in it must not grow
  // to the 48 MB that Node allows: most functions live for one call. The function's own options come later
  // and win, as they would in a container.
  const heap = `--max-old-space-size=${Math.max(16, Math.floor((parts.memoryBytes * 0.75) / 2 ** 20))} --max-semi-space-size=${youngMegabytes}`;
  const own = settings['NODE_OPTIONS'];
  for (const [name, value] of Object.entries(settings)) {
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
      throw new CloudError('OFC_DEPLOY_FAILED', `The variable ${JSON.stringify(name)} is invalid.`);
    }
  }
  return {
    ...settings,
    NODE_OPTIONS: own ? `${heap} ${own}` : heap,
    OPENFAAS_NAME: spec.service,
    OPENFAAS_NAMESPACE: spec.namespace,
    TMPDIR: parts.tmpFolder,
    secret_mount_path: parts.secretFolder,
    port: parts.socketPath,
    metrics_port: parts.metricsSocket ?? 'off',
  };
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return at < 0 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
}
