import { createHash } from 'node:crypto';
import { escapeHtml, type Html } from './html.ts';

const style =
  ':root{color-scheme:light dark;--back:#f4f6fa;--card:#fff;--text:#1b2430;--soft:#566274;--line:#d9dfe8;--link:#1256c4;--on:#fff}' +
  '@media(prefers-color-scheme:dark){:root{--back:#10141b;--card:#181e28;--text:#e6ebf3;--soft:#a3aebd;--line:#2e3846;--link:#8ab8ff;--on:#0d1420}}' +
  'body{font:16px/1.55 system-ui,sans-serif;margin:0;padding:max(1.5rem,9vh) 1rem 2rem;background:var(--back);color:var(--text)}' +
  'header,main{max-width:34rem;margin:auto}' +
  'header{display:flex;align-items:center;gap:.6rem;padding:0 .25rem .9rem;font-weight:600;color:var(--soft)}header svg{width:1.75rem;height:1.75rem}' +
  'main{box-sizing:border-box;padding:1.75rem clamp(1.25rem,5vw,2.25rem);background:var(--card);border:1px solid var(--line);border-radius:.9rem;box-shadow:0 1px 2px #0000000d,0 8px 24px #0000000d;overflow-wrap:anywhere}' +
  'main>:last-child{margin-bottom:0}' +
  'h1{font-size:1.6rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .9rem}h2{font-size:1rem;margin:1.75rem 0 .4rem}ul{margin:.4rem 0 1rem;padding-left:1.2rem}a{color:var(--link)}' +
  'small{color:var(--soft)}code{background:#8882;padding:.1em .3em;border-radius:.3em;font-size:.9em}' +
  'form{margin:0}.choices{display:grid;gap:.75rem;margin:1.25rem 0 0}.choices>*{text-align:center}' +
  '.button,button{display:inline-block;font:inherit;font-weight:600;padding:.6rem 1.1rem;border:1px solid var(--link);border-radius:.6rem;background:var(--link);color:var(--on);text-decoration:none;cursor:pointer}' +
  '.second{background:none;color:var(--link)}.button:hover,button:hover{filter:brightness(1.12)}' +
  ':focus-visible{outline:2px solid var(--link);outline-offset:3px}';

const mark =
  '<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#2b6cb0"/><path d="M9 20h13a4 4 0 0 0 .6-7.95A6.5 6.5 0 0 0 10.2 13.2 3.5 3.5 0 0 0 9 20z" fill="#fff"/></svg>';

/** A whole page. It works without scripts, and its {@link pageHeaders} forbid them. */
export function renderPage(title: string, body: Html): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)} · OpenFaaS Cloud</title><style>${style}</style></head>
<body>
<header>${mark}OpenFaaS Cloud</header>
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
