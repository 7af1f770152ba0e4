import { createHash } from 'node:crypto';

/** Text that is safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (found) => entities[found] ?? '');
}

/**
 * A template tag for HTML: every value is escaped, except what this tag made itself.
 *
 * @example
 * html`<p>${login}</p>${notes.map((note) => html`<li>${note}</li>`)}`
 */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[])[]
): Html {
  const text = values.map((value) =>
    typeof value === 'string' ? escapeHtml(value) : [value].flat().join(''),
  );
  return new Html(String.raw({ raw: parts }, ...text));
}

/** Markup made by {@link html}. */
export class Html {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}' +
  'h1{font-size:1.5rem}code{background:#8883;padding:0 .2em}button{font:inherit}' +
  ':root{color-scheme:light dark}';

/** A whole page. It works without scripts, and its {@link pageHeaders} forbid them. */
export function renderPage(title: string, body: Html): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
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
