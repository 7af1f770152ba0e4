const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text that is safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (found) => entities[found] ?? '');
}

/** Markup made by {@link html}. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: text is escaped, {@link Html} and lists of it are put in as they are. */
export type HtmlValue = string | number | null | undefined | Html | readonly Html[];

/**
 * A template tag for HTML: every value is escaped, except what this tag made itself.
 *
 * @example
 * html`<p>${login}</p>${notes.map((note) => html`<li>${note}</li>`)}`
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(
    strings
      .map((part, index) => part + (index < values.length ? toText(values[index]) : ''))
      .join(''),
  );
}

function toText(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(toText).join('');
  return escapeHtml(String(value ?? ''));
}
