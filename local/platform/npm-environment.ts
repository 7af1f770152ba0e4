/** What npm needs to reach the registry that this machine is set up for, and nothing else. */
export function npmEnvironment(): Record<string, string> {
  const names =
    /^(?:npm_config_(?:registry|userconfig|cafile)|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && names.test(name) ? [[name, value] as const] : [],
    ),
  );
}
