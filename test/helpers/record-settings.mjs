import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname } from 'node:path';

// Loaded before a function (`node --import`): writes which variables and secrets it reads, a line each.
const { SETTINGS_RECORD: record, secret_mount_path: secrets } = process.env;
const seen = new Set();

function note(kind, name) {
  const line = `${kind} ${name}\n`;
  if (seen.has(line)) return;
  seen.add(line);
  fs.appendFileSync(record, line);
}

process.env = new Proxy(process.env, {
  get(env, name) {
    if (typeof name === 'string') note('variable', name);
    return Reflect.get(env, name);
  },
});

const { readFileSync } = fs;
fs.readFileSync = (path, ...rest) => {
  if (typeof path === 'string' && dirname(path) === secrets) note('secret', basename(path));
  return readFileSync(path, ...rest);
};
syncBuiltinESMExports();
