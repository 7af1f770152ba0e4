import { CloudError } from '../errors.ts';

/** The domain under which visitors reach the platform; read from `gateway_pretty_url`. */
export interface Site {
  readonly scheme: 'http' | 'https';
  /** What owners' names stand before: `example.com`. Lower case, without a port. */
  readonly domain: string;
  /** `:8080`, or empty for the scheme's own port. */
  readonly port: string;
  /** `system.example.com:8080`: the platform's own pages; also the audience of session tokens. */
  readonly systemHost: string;
  /** `https://system.example.com`, as browsers write it in `Origin`. */
  readonly systemOrigin: string;
}

/**
 * Parses the pattern of public URLs: `https://user.example.com/function`, where `user` stands for
 * an owner.
 *
 * @throws CloudError `OFC_CONFIG`
 */
export function parseSite(prettyUrl: string): Site {
  const url = URL.canParse(prettyUrl) ? new URL(prettyUrl) : undefined;
  const domain = url?.hostname.startsWith('user.') ? url.hostname.slice('user.'.length) : '';
  if (url === undefined || !/^https?:$/.test(url.protocol) || domain === '') {
    throw new CloudError(
      'OFC_CONFIG',
      `gateway_pretty_url is "${prettyUrl}", not of the form https://user.example.com/function.`,
    );
  }
  const port = url.port === '' ? '' : `:${url.port}`;
  const systemHost = `system.${domain}${port}`;
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return { scheme, domain, port, systemHost, systemOrigin: `${scheme}://${systemHost}` };
}
