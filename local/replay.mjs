import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const help = `Sends a recorded webhook to a platform, signed or with its token as GitHub, GitLab or Gitea would.

Usage: npm run replay -- <payload.json> [options]

  --to <url>            The platform (default http://system.localhost:8080)
  --scm <kind>          github, gitlab or gitea (default: told by the payload)
  --event <name>        The event, such as push (default: told by the payload)
  --system-hook         Send it as a system hook of GitLab
  --secret-file <path>  The webhook's secret, or GitLab's secret token
                        (default .openfaas-cloud/secrets/<scm>-webhook-secret, of npm start)
  --signing-file <path> GitLab's signing token (whsec_…): sign in place of the secret token
  --delivery <id>       The delivery's id; give the same one to send it again (default: a new one)
  --dry-run             Only say what would be sent
  --help                This text

Ends with 0 if the platform took it, with 1 if it refused, with 2 for a mistake in the options.
`;

class Mistake extends Error {}

function readOptions() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        to: { type: 'string', default: 'http://system.localhost:8080' },
        scm: { type: 'string' },
        event: { type: 'string' },
        'system-hook': { type: 'boolean', default: false },
        'secret-file': { type: 'string' },
        'signing-file': { type: 'string' },
        delivery: { type: 'string', default: randomUUID() },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new Mistake(error.message);
  }
}

function read(path, what) {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Mistake(`${what} cannot be read: ${error.message}`);
  }
}

function parse(body, path) {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new Mistake(`${path} is not JSON: ${error.message}`);
  }
}

/** Which SCM a payload comes from: only GitLab names the event in it, only Gitea calls logins usernames too. */
function scmOf(payload) {
  if (payload.object_kind !== undefined || payload.event_name !== undefined) return 'gitlab';
  const isGitea = [payload.repository?.owner, payload.pusher].some((user) => user?.username);
  return isGitea ? 'gitea' : 'github';
}

/** What every event of a repo has; one that has nothing else is about the repo itself. */
const common = [
  'action',
  'changes',
  'repository',
  'organization',
  'sender',
  'installation',
  'enterprise',
];

function eventOf(scm, payload) {
  if (scm === 'gitlab') return payload.object_kind ?? payload.event_name;
  if (payload.zen !== undefined) return 'ping';
  if (payload.ref !== undefined && payload.after !== undefined) return 'push';
  if (payload.repositories_added !== undefined) return 'installation_repositories';
  if (payload.installation?.account !== undefined) return 'installation';
  const isOfRepo = payload.repository !== undefined && payload.action !== undefined;
  if (isOfRepo && Object.keys(payload).every((key) => common.includes(key))) return 'repository';
  throw new Mistake('The payload does not tell its event: name it with --event.');
}

/** `tag_push` is a `Tag Push Hook`. System hooks name no kind of object. */
function gitlabHook({ object_kind: kind }) {
  if (kind === undefined) return 'System Hook';
  return `${kind.replace(/(?:^|_)([a-z])/g, (_, letter) => ` ${letter.toUpperCase()}`).trim()} Hook`;
}

/** The headers that tell event and sender, the secret ones too. */
function headersOf({ scm, event, payload, body, options }) {
  const { delivery } = options;
  const secretFile =
    options['secret-file'] ?? join('.openfaas-cloud', 'secrets', `${scm}-webhook-secret`);
  const secret = () => read(secretFile, 'The secret').toString().trim();
  const hmac = () => createHmac('sha256', secret()).update(body).digest('hex');
  switch (scm) {
    case 'github':
      return {
        'x-github-event': event,
        'x-github-delivery': delivery,
        'x-hub-signature-256': `sha256=${hmac()}`,
      };
    case 'gitea':
      return { 'x-gitea-event': event, 'x-gitea-delivery': delivery, 'x-gitea-signature': hmac() };
    case 'gitlab': {
      const hook = options['system-hook'] ? 'System Hook' : gitlabHook(payload);
      const named = { 'x-gitlab-event': hook, 'idempotency-key': delivery };
      const signing = options['signing-file'];
      if (signing === undefined) return { ...named, 'x-gitlab-token': secret() };
      return { ...named, ...standardSignature(read(signing, 'The signing token'), delivery, body) };
    }
    default:
      throw new Mistake(`--scm is "${scm}", not github, gitlab or gitea.`);
  }
}

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function standardSignature(token, id, body) {
  const key = Buffer.from(
    token
      .toString()
      .trim()
      .replace(/^whsec_/, ''),
    'base64',
  );
  const at = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', key).update(`${id}.${at}.`).update(body).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,${signature}`,
  };
}

/** Names below localhost are not resolved everywhere: this machine is dialled. */
function send(url, headers, body) {
  const isLocal = url.hostname.endsWith('.localhost');
  const options = {
    method: 'POST',
    headers: { ...headers, host: url.host, 'content-length': body.length },
    timeout: 30_000,
    ...(isLocal ? { host: '127.0.0.1', port: url.port } : {}),
  };
  return new Promise((resolve, reject) => {
    const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = make(url, options, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }),
      );
      answer.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('there was no answer within 30 s')));
    request.on('error', reject);
    request.end(body);
  });
}

async function main() {
  const { values: options, positionals } = readOptions();
  if (options.help) return process.stdout.write(help);
  const [path, ...rest] = positionals;
  if (path === undefined || rest.length > 0) throw new Mistake('Name one file with a payload.');
  const body = read(path, 'The payload');
  const payload = parse(body, path);
  const scm = options.scm ?? scmOf(payload);
  const event = options.event ?? eventOf(scm, payload);
  const to = URL.canParse(options.to) ? options.to.replace(/\/+$/, '') : undefined;
  if (to === undefined) throw new Mistake(`--to is "${options.to}", not a URL.`);
  const url = new URL(`${to}/${scm}-event`);
  const about = `${event} of ${scm} to ${url.href}, delivery ${options.delivery}`;
  if (options['dry-run']) return console.log(`would send ${about}`);
  const headers = headersOf({ scm, event, payload, body, options });
  const answer = await send(url, { ...headers, 'content-type': 'application/json' }, body).catch(
    (error) => {
      throw new Error(`${url.href} cannot be reached: ${error.message}`);
    },
  );
  console.log(`sent ${about}\n${answer.status} ${answer.text}`);
  if (answer.status >= 300) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error.message);
  if (error instanceof Mistake) console.error('See npm run replay -- --help.');
  process.exitCode = error instanceof Mistake ? 2 : 1;
});
