import { machine } from 'node:os';
import type { Provider } from '../provider/provider.ts';
import { sendJson, sendText } from './http-answers.ts';
import type { Route } from './routes.ts';

interface InfoRoutesOptions {
  readonly provider: Provider;
  readonly version: { readonly release: string; readonly sha: string };
  /** HTML of the start page. */
  readonly startPage: () => string;
}

/** What tells about the gateway: start page, health, version. */
export function infoRoutes({ provider, version, startPage }: InfoRoutesOptions): Route[] {
  return [
    {
      path: '/',
      open: true,
      methods: { GET: ({ response }) => void response.writeHead(307, { Location: '/ui/' }).end() },
    },
    {
      path: '/ui/',
      methods: {
        GET: ({ response }) =>
          void response
            .writeHead(200, {
              'Content-Type': 'text/html; charset=utf-8',
              'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
              'X-Content-Type-Options': 'nosniff',
            })
            .end(startPage()),
      },
    },
    {
      path: '/healthz',
      open: true,
      methods: { GET: ({ response }) => sendText(response, 200, 'OK') },
    },
    {
      path: '/system/info',
      methods: {
        GET: ({ response }) =>
          sendJson(response, 200, {
            provider: {
              provider: provider.info.name,
              orchestration: provider.info.orchestration,
              version,
            },
            version,
            arch: machine(),
          }),
      },
    },
  ];
}
