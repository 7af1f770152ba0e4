/**
 * What a doctor's check can find, in one table: how bad it is, why it matters and what to do. Documented in
 * `docs/doctor.md`; a test compares the two.
 *
 * @module
 */

/** `error`: something does not work. `warning`: it works, but not well, or not for long. */
export type Level = 'ok' | 'skipped' | 'warning' | 'error';

interface Kind {
  readonly level: Level;
  readonly why: string;
  readonly fix: string;
}

const kind = (level: Level, why: string, fix: string): Kind => ({ level, why, fix });

/** Every code that a finding may have. */
export const findingKinds = {
  ok: kind('ok', '', ''),
  'not-checked': kind('skipped', 'What it needs is not there, or not configured.', ''),
  'not-configured': kind(
    'error',
    'There is no secret in .secrets, and the files beside stack.yml hold examples.',
    'On one machine: npm start. For a cluster: docs/operators.md, and node secrets/generate.mjs. One that runs elsewhere: --deployed.',
  ),
  'check-failed': kind(
    'error',
    'The check itself did not come to an end.',
    'Read what it says; try again.',
  ),
  'config-invalid': kind(
    'error',
    'A function with this setting stops at its start.',
    'Set what is named, in the files beside stack.yml or as a secret; then deploy.',
  ),
  'secret-missing': kind(
    'error',
    'A function that lists it cannot be deployed.',
    'node secrets/generate.mjs makes what can be made; then faas-cli secret apply.',
  ),
  'secret-shape': kind(
    'error',
    'A function that reads it stops at its start or fails at its first use.',
    'Make it anew: node secrets/generate.mjs, or copy it again from where it comes.',
  ),
  'secret-weak': kind(
    'warning',
    'Who guesses it can forge messages.',
    'Remove the file and let node secrets/generate.mjs make it.',
  ),
  'secret-pair': kind(
    'error',
    'What one half signs the other does not accept.',
    'Remove all files of the pair and let node secrets/generate.mjs make them.',
  ),
  'gateway-unreachable': kind(
    'error',
    'Every function is deployed and called through it.',
    'Check gateway_url, that the gateway runs, and network policies.',
  ),
  'gateway-credentials': kind(
    'error',
    'Nothing can be deployed or listed without.',
    "Copy the gateway's user and password into basic-auth-user and basic-auth-password.",
  ),
  'gateway-provider': kind(
    'error',
    'The gateway has nobody who runs functions.',
    "Check faas-netes or faasd-provider, and the gateway's functions_provider_url.",
  ),
  'gateway-secrets': kind(
    'error',
    'A function that lists it cannot be deployed.',
    'faas-cli secret apply, or faas-cli secret create <name>.',
  ),
  'functions-missing': kind('error', 'The platform does not work without them.', 'faas-cli up'),
  'functions-down': kind(
    'warning',
    'Calls to them wait or fail.',
    'faas-cli logs <function>: a wrong setting is said there at the start.',
  ),
  'functions-full': kind(
    'warning',
    'OpenFaaS CE runs 15 functions: nothing more can be deployed.',
    'Leave out optional functions (docs/operators.md, OpenFaaS CE).',
  ),
  'queue-off': kind(
    'error',
    'Every step of a deployment is called through it.',
    'Give the gateway its NATS, and run the queue worker.',
  ),
  'queue-lost': kind(
    'error',
    'Every step of a deployment is called through it.',
    'Check the queue worker and its logs; it may be busy with a long call.',
  ),
  'sweep-silent': kind(
    'warning',
    'What was lost anywhere is taken up by sweeps alone.',
    'Run the cron connector, or call garbage-collect from a cron job.',
  ),
  'store-unreachable': kind(
    'error',
    "The object store is the platform's only state.",
    'Check s3_url, s3_tls, and that the store runs.',
  ),
  'store-credentials': kind(
    'error',
    "The object store is the platform's only state.",
    "Give s3-access-key and s3-secret-key the store's values, and the right to make the bucket.",
  ),
  'store-conditional': kind(
    'error',
    'Two workers could both believe that they were first.',
    'Use a store with conditional writes: AWS S3, Ceph RGW, a recent MinIO.',
  ),
  'registry-unreachable': kind(
    'error',
    'Images are pushed to it and pulled from it.',
    "Check push_repository_url, DNS and the registry's certificate.",
  ),
  'registry-credentials': kind(
    'error',
    'Builds end with a failed push.',
    'Put a user who may push into the secret docker-config.',
  ),
  'builder-unreachable': kind(
    'error',
    'Nothing can be built.',
    'Check builder_url or buildkit_url, and network policies.',
  ),
  'builder-refused': kind(
    'error',
    'Nothing can be built.',
    "Make BuildKit's certificates anew for both sides: node secrets/generate.mjs --buildkit.",
  ),
  'github-unreachable': kind(
    'error',
    'Checks cannot be written, private repos cannot be read.',
    'Check github_api_url and the way out to it.',
  ),
  'github-app': kind(
    'error',
    'Checks cannot be written, private repos cannot be read.',
    "Set github_app_id to the App's id, and private-key to a key of that App.",
  ),
  'github-permissions': kind(
    'error',
    'A step of a deployment will be refused.',
    'Give the App what is named (docs/operators.md, GitHub App); owners must accept it.',
  ),
  'github-webhook': kind(
    'error',
    'Pushes do not arrive.',
    "Set the App's webhook URL, content type JSON, and switch it on.",
  ),
  'scm-unreachable': kind(
    'error',
    'Statuses cannot be written, private repos cannot be read.',
    'Check gitlab_instance or gitea_url, and the way out to it.',
  ),
  'scm-token': kind(
    'error',
    'Statuses cannot be written, private repos cannot be read.',
    'Make a new token there (docs/operators.md) and put it into the secret gitlab-api-token or gitea-api-token.',
  ),
  'scm-scope': kind(
    'error',
    'A step of a deployment will be refused.',
    'Make a token with the scope that secrets/README.md names.',
  ),
  'scm-token-ends': kind(
    'warning',
    'Then statuses cannot be written any more.',
    'Make a new token in time, and put it into the secret gitlab-api-token.',
  ),
  'hosts-unresolved': kind(
    'error',
    'Visitors and webhooks do not find the platform.',
    'Make a wildcard DNS record for the domain that points to the edge.',
  ),
  'hosts-edge': kind(
    'error',
    'Visitors and webhooks do not reach of-router.',
    'Check the ingress, its certificate and router_host_source.',
  ),
  'hosts-exposed': kind(
    'error',
    "Anybody can call every function, the pipeline's too, past of-router.",
    "Let the edge lead to of-router only, never to the gateway's root.",
  ),
  'certificate-ends': kind(
    'warning',
    'Browsers, git hosts and nodes will refuse it.',
    'Check what renews it (cert-manager, Caddy).',
  ),
  'clock-off': kind(
    'error',
    'Signatures and tokens count as too old or as not yet valid.',
    'Run NTP on the machine whose clock is wrong.',
  ),
} as const satisfies Record<string, Kind>;

/** A stable code. */
export type FindingCode = keyof typeof findingKinds;

/** One thing that a check found. */
export interface Finding {
  /** The check, such as `gateway`. */
  readonly check: string;
  readonly code: FindingCode;
  readonly level: Level;
  /** What was found, with names; never a secret. */
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** Makes a finding of `check`. */
export function finding(check: string, code: FindingCode, what: string): Finding {
  return { check, code, what, ...findingKinds[code] };
}
