import { createHash } from 'node:crypto';
import { escapeHtml, type Html } from './html.ts';

const style =
  ':root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1c2330;--line:#d9dee6;--link:#1256c4;--on:#fff}' +
  '@media(prefers-color-scheme:dark){:root{--back:#11151c;--card:#191f29;--text:#e4e9f1;--line:#2f3947;--link:#8ab8ff;--on:#0d1420}}' +
  'body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:8vh 1rem;background:var(--back);color:var(--text)}' +
  'main{max-width:40rem;margin:auto;padding:1.5rem 2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;overflow-wrap:anywhere}' +
  'h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.1rem}a{color:var(--link)}' +
  'code{background:#8883;padding:0 .2em;border-radius:.2em}' +
  '.choices{display:flex;flex-wrap:wrap;gap:.75rem}' +
  '.button,button{display:inline-block;font:inherit;padding:.5rem 1rem;border:0;border-radius:.5rem;background:var(--link);color:var(--on);text-decoration:none;cursor:pointer}' +
  ':focus-visible{outline:2px solid var(--link);outline-offset:2px}';

/** A whole page. It works without scripts, and its {@link pageHeaders} forbid them. */
export function renderPage(title: string, body: Html): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${body.text}
</main>
</body>
</html>
`;
}

/** The headers of every page of the platform. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256')
    .update(style)
    .digest('base64')}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not no-referrer: forms would then be posted with "Origin: null".
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};
