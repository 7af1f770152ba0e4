/** See mutual-tls.mjs. */
export function mutualTls(hosts: readonly string[]): Promise<{
  ca: string;
  server: { certificate: string; key: string };
  client: { certificate: string; key: string };
}>;
