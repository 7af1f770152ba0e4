import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const tables = ['filter', 'nat'] as const;

/**
 * Lets a dockerd of a test make Docker's firewall rules for a while.
 *
 * @param bridge The name of its default bridge.
 * @returns `giveBack` takes them away.
 * @throws Error if another Docker has such rules: a second one would ruin them.
 */
export async function borrowFirewall(bridge: string): Promise<{ giveBack(): Promise<void> }> {
  const before = await Promise.all(tables.map(rulesOf));
  if (before.flat().some((rule) => /^-N DOCKER/.test(rule))) {
    throw new Error('Docker has firewall rules on this machine: stop it, and remove its chains.');
  }
  return {
    async giveBack() {
      for (const [index, table] of tables.entries()) {
        const known = new Set(before[index]);
        const added = (await rulesOf(table)).filter((rule) => !known.has(rule));
        const change = (args: readonly string[]) => run('iptables', ['-w', '-t', table, ...args]);
        const docker = added.filter(
          (rule) => /\bDOCKER|\bbr-[0-9a-f]{12}\b/.test(rule) || rule.includes(` ${bridge} `),
        );
        for (const rule of docker.filter((rule) => rule.startsWith('-A '))) {
          await change(['-D', ...rule.split(' ').slice(1)]);
        }
        for (const rule of docker.filter((rule) => rule.startsWith('-N '))) {
          await change(['-X', ...rule.split(' ').slice(1)]);
        }
        // Docker lets nothing be forwarded but its own.
        const policy = before[index]?.find((rule) => rule.startsWith('-P FORWARD '));
        if (policy !== undefined) await change(policy.split(' '));
      }
    },
  };
}

async function rulesOf(table: string): Promise<string[]> {
  const { stdout } = await run('iptables', ['-w', '-t', table, '-S']);
  return stdout.split('\n').filter((line) => line !== '');
}
