import type { ContainerCreateOptions } from 'dockerode';
import type { FunctionSpec } from './provider.ts';
import { parseCpu } from './quantity.ts';

/** The label of everything that a platform makes in an engine; its value names the platform. */
export const platformLabel = 'com.openfaas.cloud.platform';

interface ContainerParts {
  readonly spec: FunctionSpec;
  /** The image, by digest. */
  readonly image: string;
  readonly memoryBytes: number;
  /** The platform's own network. */
  readonly network: string;
  /** The value of {@link platformLabel}. */
  readonly platform: string;
  /** Where the function's secrets lie on this machine, if it has any. */
  readonly secretFolder: string | undefined;
}

// Threads count too, and Node alone has a dozen.
const maxTasks = 512;

/**
 * What an engine is asked to create for one replica: no capabilities, no new privileges, limits that
 * the kernel keeps, a root that is read-only if the function says so, and a `/tmp` in memory.
 *
 * @see https://docs.docker.com/reference/api/engine/
 */
export function containerSettings(parts: ContainerParts): ContainerCreateOptions {
  const { spec, memoryBytes, secretFolder } = parts;
  const cpu = spec.limits?.cpu === undefined ? undefined : parseCpu(spec.limits.cpu);
  const env: Record<string, string> = {
    // The provider stops routing before it sends SIGTERM, so there is nothing to wait for.
    healthcheck_interval: '1ms',
    ...spec.envVars,
    ...(spec.envProcess ? { fprocess: spec.envProcess } : {}),
    OPENFAAS_NAME: spec.service,
    OPENFAAS_NAMESPACE: spec.namespace,
  };
  return {
    Image: parts.image,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: { [platformLabel]: parts.platform, 'com.openfaas.cloud.function': spec.service },
    AttachStdout: true,
    AttachStderr: true,
    // The provider asks the function itself; the image's own check would start a process each time.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: parts.network,
      ReadonlyRootfs: spec.readOnlyRootFilesystem,
      Tmpfs: { '/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${memoryBytes}` },
      Memory: memoryBytes,
      // Memory and swap together: no swap.
      MemorySwap: memoryBytes,
      PidsLimit: maxTasks,
      ...(cpu === undefined ? {} : { NanoCpus: Math.round(cpu * 1e9) }),
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      // Lines are read as they come and kept by the provider.
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      Mounts:
        secretFolder === undefined
          ? []
          : [
              {
                Type: 'bind',
                Source: secretFolder,
                Target: '/var/openfaas/secrets',
                ReadOnly: true,
              },
            ],
    },
  };
}
