import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Daemon, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { httpGet } from './http-get.ts';

/** A Prometheus of a suite's own. */
export interface TestPrometheus extends Daemon {
  readonly url: string;
}

/** Starts Debian's Prometheus in a folder, on loopback, with a scrape each second. */
export async function startPrometheus(
  folder: string,
  scrape: readonly object[],
): Promise<TestPrometheus> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'prometheus.yml');
  const global = { scrape_interval: '1s', scrape_timeout: '1s' };
  await writeFile(config, stringify({ global, scrape_configs: scrape }));
  const daemon = await startDaemon(
    [
      'prometheus',
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    async () => {
      const { status } = await httpGet(`${url}/-/ready`);
      if (status !== 200) throw new Error(`Prometheus answered ${status}.`);
    },
  );
  return { ...daemon, url };
}
