// A platform in a process of its own, to be killed: starts one function and prints its pid record.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '#shared/log.ts';
import { createProcessProvider } from '../../../local/provider/process-provider.ts';
import { call, specOf } from './calls.ts';
import { functionCode, memoryImages } from './memory-images.ts';

const [folder = '', isolation = ''] = process.argv.slice(2);
const images = memoryImages();
await images.addFunction('registry/f:1', functionCode('return "x"'));
const provider = await createProcessProvider({
  folder,
  images,
  readSecret: async () => undefined,
  log: createLogger(),
  isolation: isolation === 'bubblewrap' ? 'bubblewrap' : 'none',
});
await provider.deploy(specOf('f'));
await call(provider, 'f');
const [name = ''] = await readdir(join(folder, 'processes'));
console.log(await readFile(join(folder, 'processes', name), 'utf8'));
