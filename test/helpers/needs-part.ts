import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env } from 'node:process';

/** A program that some suites need besides Node and git. */
interface PartFacts {
  /** What must be found on the search path. */
  readonly programs: readonly string[];
  /** The Debian packages that bring it. */
  readonly packages: string;
  /** A command that must succeed, where being installed is not enough. */
  readonly probe?: readonly [string, ...string[]];
}

const parts = {
  bubblewrap: {
    programs: ['bwrap'],
    packages: 'bubblewrap',
    probe: ['bwrap', '--unshare-user', '--ro-bind', '/', '/', 'true'],
  },
  docker: { programs: ['dockerd', 'ip', 'iptables'], packages: 'docker.io iproute2 iptables' },
  podman: { programs: ['podman', 'runc'], packages: 'podman runc' },
  // Unpacked from the packages of a later Debian, into a folder that this variable names.
  'new-docker': {
    programs: ['ip', 'iptables'],
    packages: 'docker.io of Debian 13, see .ci/run',
    probe: [`${env['OFC_NEW_DOCKER'] ?? '/nowhere'}/usr/sbin/dockerd`, '--version'],
  },
  'docker-registry': {
    programs: ['docker-registry', 'htpasswd'],
    packages: 'docker-registry apache2-utils',
  },
  busybox: { programs: ['busybox'], packages: 'busybox-static' },
  chromium: { programs: ['chromium'], packages: 'chromium' },
  ceph: {
    programs: ['ceph-mon', 'ceph-osd', 'radosgw'],
    packages: 'ceph-mon ceph-osd radosgw',
  },
  prometheus: { programs: ['prometheus'], packages: 'prometheus' },
  kubectl: {
    programs: ['kubectl'],
    packages: 'none, Debian 12 has one without components; take that of kubernetes.io',
    probe: ['kubectl', 'kustomize', 'deploy/kubernetes/overlays/ingress'],
  },
  caddy: { programs: ['caddy'], packages: 'caddy' },
  nginx: { programs: ['nginx'], packages: 'nginx-light' },
  wrk: { programs: ['wrk'], packages: 'wrk' },
} as const satisfies Record<string, PartFacts>;

/** The name of a part. */
export type Part = keyof typeof parts;

/**
 * `describe` for a suite that needs real parts. Where one is missing, the suite is skipped and says so
 * in its name; but a part that the variable `OFC_REQUIRE` lists (`docker,chromium`) was to be
 * installed, so that its absence is a failure.
 */
export function describeWith(
  needed: readonly Part[],
  title: string,
  body: (this: Mocha.Suite) => void,
): void {
  const problems = needed.flatMap((part) => {
    const problem = problemOf(part);
    return problem === undefined ? [] : [{ part, problem }];
  });
  if (problems.length === 0) return void describe(title, body);
  const text = problems.map(({ problem }) => problem).join(' ');
  const required = (env['OFC_REQUIRE'] ?? '').split(',');
  if (!problems.some(({ part }) => required.includes(part))) {
    return void describe.skip(`${title} (skipped: ${text})`, body);
  }
  describe(title, () => {
    it(`has ${needed.join(', ')}`, () => {
      throw new Error(`OFC_REQUIRE says that this is here: ${text}`);
    });
  });
}

function problemOf(part: Part): string | undefined {
  const { programs, packages, probe }: PartFacts = parts[part];
  const missing = programs.filter((program) => !onSearchPath(program));
  if (missing.length > 0) {
    return `${part} is missing (${missing.join(', ')}; Debian: apt-get install ${packages}).`;
  }
  if ((part === 'docker' || part === 'podman') && process.getuid?.() !== 0) {
    return `${part} needs root.`;
  }
  if (probe === undefined) return undefined;
  const [program, ...args] = probe;
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${part} does not work here: ${(stderr ?? '').trim()}`;
}

function onSearchPath(program: string): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
