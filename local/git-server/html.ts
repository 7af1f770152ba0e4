/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: text is escaped, {@link Html} and lists of it are put in as they are. */
export type HtmlValue = string | number | null | undefined | Html | readonly Html[];

/** Template tag that escapes every value, so that no text becomes markup. */
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
  return String(value ?? '').replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
