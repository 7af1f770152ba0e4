import { escapeHtml } from '#shared/web/html.ts';
import type { FunctionSpec } from '../provider/provider.ts';

/** What the gateway's own page tells. */
export interface StartPageFacts {
  readonly port: number;
  readonly isolation: string;
  readonly release: string;
  readonly functions: readonly FunctionSpec[];
}

/** The page at `/ui/`: what runs here, and where to go on. */
export function startPage({ port, isolation, release, functions }: StartPageFacts): string {
  const rows = [...functions]
    .sort((a, b) => (a.service < b.service ? -1 : 1))
    .map(
      ({ service, image }) =>
        `<tr><td>${escapeHtml(service)}</td><td>${escapeHtml(image)}</td></tr>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>OpenFaaS Cloud ${escapeHtml(release)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
td{padding:.2rem 1rem .2rem 0;vertical-align:top;word-break:break-all}</style>
<h1>OpenFaaS Cloud ${escapeHtml(release)} on one machine</h1>
<p>${escapeHtml(isolation)}</p>
<ul>
<li><a href="http://system.localhost:${port}/">The platform</a></li>
<li><a href="http://127.0.0.1:${port}/git/">Repos and their checks</a></li>
</ul>
<table>
${rows}
</table>
</html>
`;
}

/** The lines of the start page that people see after log-in. */
export function notesOf(isolation: string, port: number): string[] {
  return [
    'Everything runs on this machine and is reachable from this machine only.',
    isolation,
    `Push to http://127.0.0.1:${port}/git/<owner>/<repo>.git; repos and checks: http://127.0.0.1:${port}/git/`,
    `The gateway for faas-cli is http://127.0.0.1:${port}.`,
  ];
}
