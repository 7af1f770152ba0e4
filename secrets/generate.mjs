import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const help = `Makes the secrets of the platform that can be made, as files for "faas-cli secret apply".

Usage: node secrets/generate.mjs [options]

  --out <folder>  Where the files go (default .secrets)
  --buildkit <hosts>
                  Also an authority, a certificate for BuildKit daemons at these hosts (comma-separated;
                  a leading "*." is fine) in .buildkitd beside the folder, and the client's for of-builder
  --dry-run       Only say what would be written
  --help          This text

A file that is there already is never touched.
`;

const random = () => `${randomBytes(32).toString('base64url')}\n`;

/** Each entry makes one or more files that belong together. */
const generated = [
  { files: ['payload-secret'], make: () => [random()] },
  { files: ['github-webhook-secret'], make: () => [random()] },
  { files: ['gitlab-webhook-secret'], make: () => [random()] },
  { files: ['gitea-webhook-secret'], make: () => [random()] },
  { files: ['s3-access-key'], make: () => [`${randomBytes(15).toString('base64url')}\n`] },
  { files: ['s3-secret-key'], make: () => [random()] },
  // As `faas-cli secret keygen` makes it.
  { files: ['sealing-private-key'], make: () => [`${randomBytes(32).toString('base64')}\n`] },
  { files: ['jwt-private-key', 'jwt-public-key'], make: sessionKeys },
];

/** What only somebody else can give. */
const given = {
  'basic-auth-user': "the user of OpenFaaS's gateway, usually admin",
  'basic-auth-password': "the password of OpenFaaS's gateway",
  'private-key': 'the private key of the GitHub App, a PEM file from its settings page',
  'of-client-secret': 'the client secret of the GitHub App, from its settings page',
  'gitlab-api-token': 'only for GitLab: an access token with the scope api',
  'gitea-api-token': 'only for Gitea: an access token with the scope write:repository',
  customers: 'the owners who may deploy, one login a line',
};

/** Sessions are signed with ES256. */
function sessionKeys() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return [privateKey, publicKey];
}

/** Certificates for mutual TLS between of-builder and BuildKit: one set, or nothing if a part is there. */
async function generateBuildkit({ out, buildkit, 'dry-run': dryRun }) {
  const daemons = join(dirname(resolve(out)), '.buildkitd');
  const hosts = buildkit.split(',').map((host) => host.trim());
  const paths = {
    clientCa: join(out, 'buildkit-ca-cert'),
    clientCert: join(out, 'buildkit-client-cert'),
    clientKey: join(out, 'buildkit-client-key'),
    ca: join(daemons, 'ca.pem'),
    cert: join(daemons, 'cert.pem'),
    key: join(daemons, 'key.pem'),
  };
  const present = Object.values(paths).filter((path) => existsSync(path));
  if (present.length > 0) {
    for (const path of present) console.log(`kept      ${path}`);
    console.log('          To make new BuildKit certificates remove all of them.');
    return;
  }
  if (dryRun) {
    for (const path of Object.values(paths)) console.log(`would write ${path}`);
    return;
  }
  const { mutualTls } = await import('./mutual-tls.mjs');
  const { ca, server, client } = await mutualTls(hosts);
  mkdirSync(daemons, { recursive: true, mode: 0o700 });
  const values = {
    clientCa: ca,
    clientCert: client.certificate,
    clientKey: client.key,
    ca,
    cert: server.certificate,
    key: server.key,
  };
  for (const [name, path] of Object.entries(paths)) {
    writeFileSync(path, values[name], { flag: 'wx', mode: 0o600 });
    console.log(`wrote     ${path}`);
  }
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        out: { type: 'string', default: '.secrets' },
        buildkit: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${error.message}\nSee node secrets/generate.mjs --help.`);
    process.exit(2);
  }
}

function generate({ out, 'dry-run': dryRun }) {
  const isThere = (name) => existsSync(join(out, name));
  if (!dryRun) mkdirSync(out, { recursive: true, mode: 0o700 });
  for (const { files, make } of generated) {
    const present = files.filter(isThere);
    if (present.length > 0) {
      for (const name of present) console.log(`kept     ${name}`);
      // Half of a key pair can only be completed by whoever has the other half.
      for (const name of files.filter((file) => !present.includes(file))) {
        console.log(
          `missing  ${name}: belongs to ${present.join(', ')}; remove both to make new ones`,
        );
        process.exitCode = 1;
      }
      continue;
    }
    const values = dryRun ? [] : make();
    for (const [index, name] of files.entries()) {
      if (!dryRun) writeFileSync(join(out, name), values[index], { flag: 'wx', mode: 0o600 });
      console.log(`${dryRun ? 'would write' : 'wrote   '} ${name}`);
    }
  }
  for (const [name, what] of Object.entries(given)) {
    console.log(isThere(name) ? `kept     ${name}` : `add      ${name}: ${what}`);
  }
}

const options = readArguments();
if (options.help) process.stdout.write(help);
else {
  generate(options);
  if (options.buildkit !== undefined) await generateBuildkit(options);
}
