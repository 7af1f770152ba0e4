import { S3Error } from './s3-error.ts';

/** Children of an XML element: text, or elements by name. */
export type XmlContent = string | number | boolean | readonly XmlElement[];
/** A name and its content. */
export type XmlElement = readonly [name: string, content: XmlContent];

const entities: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
};
const characters: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

/** An XML document in the namespace of S3. */
export function xmlDocument(root: string, content: readonly XmlElement[]): string {
  const body = content.map(write).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body}</${root}>`;
}

/**
 * The inner texts of all elements of a name in a small request document; attributes are ignored.
 *
 * @throws S3Error `MalformedXML` if there are declarations or CDATA, which no client of S3 sends.
 */
export function xmlElements(xml: string, name: string): string[] {
  if (/<!/.test(xml)) throw new S3Error('MalformedXML', 'Declarations are not allowed.');
  const pattern = new RegExp(`<${name}(?:\\s[^<>]*)?>([\\s\\S]*?)</${name}\\s*>`, 'g');
  return [...xml.matchAll(pattern)].map(([, inner = '']) => inner);
}

/** The text of the first element of a name, decoded; `undefined` if there is none. */
export function xmlText(xml: string, name: string): string | undefined {
  return xmlElements(xml, name)[0]?.replace(
    /&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g,
    (_, hex?: string, decimal?: string, entity?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      const char = entity === undefined ? codePoint(code) : characters[entity];
      if (char === undefined) throw new S3Error('MalformedXML', 'An entity is not known.');
      return char;
    },
  );
}

function codePoint(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

function write([name, content]: XmlElement): string {
  const inner =
    typeof content === 'object' ? content.map(write).join('') : escapeText(String(content));
  return `<${name}>${inner}</${name}>`;
}

function escapeText(text: string): string {
  return text.replace(
    /[<>&"\x00-\x1f]/g,
    (char) => entities[char] ?? `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`,
  );
}
