import { type Html, html } from '#shared/web/html.ts';

/**
 * The Markdown of a check's output: paragraphs, fenced code, tables, `code`, links. Everything else is shown as
 * it is written. All text is escaped, and a link leads to http or https or is none: who writes a check, or makes a
 * function fail with a text of their own, puts no markup on the page.
 *
 * @see https://github.github.com/gfm/
 */
export function renderMarkdown(text: string): Html[] {
  const lines = text.split(/\r?\n/);
  const blocks: Html[] = [];
  let at = 0;
  /** Takes the lines from here on for which `wanted` holds. */
  const take = (wanted: (line: string) => boolean): string[] => {
    const from = at;
    while (at < lines.length && wanted(lines[at] ?? '')) at += 1;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const fence = /^(`{3,})[\w-]*\s*$/.exec(line)?.[1];
    if (fence !== undefined) {
      at += 1;
      const code = take((next) => !(/^`+\s*$/.test(next) && next.startsWith(fence)));
      at += 1;
      blocks.push(html`<pre>${code.join('\n')}</pre>`);
    } else if (line.startsWith('|') && /^\|[\s:|-]+$/.test(lines[at + 1] ?? '')) {
      blocks.push(table(take((next) => next.startsWith('|'))));
    } else if (line.trim() === '') {
      at += 1;
    } else {
      at += 1;
      blocks.push(html`<p>${inline([line, ...take(isPlain)].join('\n'))}</p>`);
    }
  }
  return blocks;
}

function isPlain(line: string): boolean {
  return line.trim() !== '' && !line.startsWith('```') && !line.startsWith('|');
}

function table([head = '', , ...rows]: readonly string[]): Html {
  const cells = (row: string): Html[][] =>
    row
      .replace(/^\||\|\s*$/g, '')
      .split('|')
      .map((cell) => inline(cell.trim()));
  const body = rows.map(
    (row) => html`<tr>${cells(row).map((cell) => html`<td>${cell}</td>`)}</tr>`,
  );
  return html`<table><tr>${cells(head).map((cell) => html`<th>${cell}</th>`)}</tr>${body}</table>`;
}

function inline(text: string): Html[] {
  const parts: Html[] = [];
  let end = 0;
  const pattern =
    /`([^`\n]+)`|\[([^[\]\n]*)\]\((https?:\/\/[^\s()<>"]+)\)|https?:\/\/[^\s<>"'`()[\]|]+/g;
  for (const match of text.matchAll(pattern)) {
    const [whole, code, label, address = whole] = match;
    parts.push(html`${text.slice(end, match.index)}`);
    if (code !== undefined) parts.push(html`<code>${code}</code>`);
    else parts.push(html`<a href="${address}" rel="noreferrer">${label ?? address}</a>`);
    end = match.index + whole.length;
  }
  parts.push(html`${text.slice(end)}`);
  return parts;
}
