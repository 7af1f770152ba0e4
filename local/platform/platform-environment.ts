/** Where the parts of the embedded platform listen. */
export interface Addresses {
  /** The one public port, on loopback. */
  readonly port: number;
  readonly storeUrl: string;
  readonly builderUrl: string;
  /** Answers Prometheus' query API. */
  readonly prometheusUrl: string;
}

/** The id of the GitHub App that the embedded git server plays. */
export const appId = 1;
export const oauthClientId = 'openfaas-cloud-local';

/**
 * The variables in which the platform's functions differ on one machine from what the files beside
 * stack.yml say; faas-cli would be given them with `--env`.
 */
export function platformEnvironment(
  { port, storeUrl, builderUrl, prometheusUrl }: Addresses,
  options: { readonly validateCustomers: boolean; readonly notes: readonly string[] },
): Readonly<Record<string, string>> {
  const gateway = `http://127.0.0.1:${port}`;
  const git = `${gateway}/git`;
  const prometheus = new URL(prometheusUrl);
  return {
    gateway_url: gateway,
    gateway_public_url: gateway,
    gateway_pretty_url: `http://user.localhost:${port}/function`,
    repository_url: `127.0.0.1:${port}`,
    push_repository_url: `127.0.0.1:${port}`,
    // No BuildKit: what gateway_config.yml says is for clusters.
    buildkit_url: '',
    builder_url: builderUrl,
    s3_url: storeUrl,
    s3_tls: 'false',
    prometheus_host: prometheus.hostname,
    prometheus_port: prometheus.port || '80',
    github_url: git,
    github_api_url: `${git}/api/v3`,
    github_app_id: String(appId),
    oauth_provider: 'github',
    oauth_provider_base_url: git,
    oauth_provider_api_url: `${git}/api/v3`,
    client_id: oauthClientId,
    validate_customers: String(options.validateCustomers),
    // The secret is the list, wherever secrets lie: without a sandbox not where gateway_config.yml says.
    customers_path: '',
    // OpenFaaS's own Node templates have the same handler; nothing need be fetched.
    template_aliases: 'node18=node-ts,node20=node-ts,node22=node-ts',
    custom_templates: 'none',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    // On one machine all visitors have one address.
    address_rate: '0',
    address_concurrency: '0',
    platform_notes: options.notes.join('\n'),
  };
}
