import { escapeHtml } from '#shared/web/html.ts';

/** Where the page's own code lies, below `/dashboard/assets/`. */
export interface PageFiles {
  readonly js: string;
  readonly css: string | null;
}

/** The one page that is sent; what it shows is up to its code, which reads the address. */
export function pageShell({ js, css }: PageFiles): string {
  const asset = (name: string) => `/dashboard/assets/${escapeHtml(name)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>OpenFaaS Cloud</title>
<link rel="icon" href="/dashboard/assets/icon.svg" type="image/svg+xml">
${css === null ? '' : `<link rel="stylesheet" href="${asset(css)}">`}
<script type="module" src="${asset(js)}"></script>
</head>
<body>
<div id="app"><noscript><p>This page needs JavaScript. <code>faas-cli list</code> shows the same.</p></noscript></div>
</body>
</html>
`;
}

/** Headers of the page: nothing of another host, no script in the page, no frame around it. */
export const shellHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};
