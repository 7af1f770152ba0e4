import { AnsiUp } from 'ansi_up';
import { useMemo } from 'preact/hooks';
import { readJsonLine } from './json-line.ts';

/**
 * A line of a log, which nobody vouches for.
 *
 * @param json Shows a JSON object by its time, level, message and the others.
 */
export function LineText({ text, json }: { text: string; json: boolean }) {
  const line = useMemo(() => (json ? readJsonLine(text) : undefined), [text, json]);
  if (line === undefined) {
    return (
      <code>
        <Coloured text={text} />
      </code>
    );
  }
  const { head, level, tone, message, fields } = line;
  // Two spaces, as between time and replica: who copies a line gets them, too.
  return (
    <code>
      {head}
      {level === '' ? null : ['  ', <bdi class={`level ${tone}`}>{level}</bdi>]}
      {message === '' ? null : ['  ', <Coloured text={message} />]}
      {fields === '' ? null : ['  ', <span class="muted">{fields}</span>]}
    </code>
  );
}

/** Escapes everything, and gives colours as classes: styles in the page are not allowed. */
function Coloured({ text }: { text: string }) {
  const html = useMemo(() => {
    const ansi = new AnsiUp();
    ansi.use_classes = true;
    ansi.url_allowlist = {};
    return ansi.ansi_to_html(text);
  }, [text]);
  return <bdi dangerouslySetInnerHTML={{ __html: html }} />;
}
