import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Html, html } from '#shared/web/html.ts';

/** Fetches the page now and then and shows it if it has changed; what was unfolded stays so. */
const script = `setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch(location.href).catch(() => undefined);
  if (!answer || !answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
  const old = document.querySelector('main');
  for (const open of old.querySelectorAll('details[open][id]')) {
    next.querySelector('#' + CSS.escape(open.id))?.setAttribute('open', '');
  }
  if (next.innerHTML !== old.innerHTML) old.replaceWith(next);
}, 2000);`;

const style = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
pre { overflow: auto; padding: .75rem; background: #8882; border-radius: .4rem; white-space: pre-wrap }
article { border-top: 1px solid #8886; padding: .75rem 0 }
article article { border: 0; padding: .25rem 0 .25rem 1.5rem }
h3, h4, p { margin: .25rem 0 } table { border-collapse: collapse } td, th { padding: .2rem .75rem .2rem 0; text-align: left }
.success { color: #1a7f37 } .failure { color: #cf222e } .pending { color: #9a6700 } .faint { opacity: .7 }
button, input { font: inherit; padding: .3rem .8rem; margin: .2rem }
@media (prefers-color-scheme: dark) { .success { color: #3fb950 } .failure { color: #f85149 } .pending { color: #d29922 } }`;

const hash = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

interface PageOptions {
  readonly status?: number;
  /** Keeps the page up to date while it is looked at. */
  readonly live?: boolean;
  /** Another origin to which a form of this page may lead. */
  readonly formTarget?: string;
}

/** Sends a whole page. Nothing but its own style and script runs on it. */
export function sendPage(
  response: ServerResponse,
  title: string,
  content: Html,
  { status = 200, live = false, formTarget = '' }: PageOptions = {},
): void {
  const policy = [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    `script-src ${hash(script)}`,
    "connect-src 'self'",
    `form-action 'self' ${formTarget}`.trim(),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    // Not no-referrer: a browser would then send the log-in form with "Origin: null".
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  });
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${new Html(style)}</style></head>
<body><main>${content}</main>${live ? new Html(`<script>${script}</script>`) : ''}</body></html>
`;
  response.end(page.text);
}
