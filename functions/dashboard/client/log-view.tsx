import { AnsiUp } from 'ansi_up';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { texts } from './texts.ts';
import type { LogLines } from './use-log.ts';

/**
 * Lines of a log: coloured as in a terminal, filtered, each with a link, and followed at the end. Lines
 * out of sight are not laid out (content-visibility), so tens of thousands do not slow the page.
 */
export function LogView({ log, name }: { log: LogLines; name: string }) {
  const [filter, setFilter] = useState('');
  const [follow, setFollow] = useState(true);
  const end = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const wanted = filter.toLowerCase();
    const all = log.lines.map((text, index) => ({ text, number: index + 1 }));
    return wanted === '' ? all : all.filter(({ text }) => text.toLowerCase().includes(wanted));
  }, [log.lines, filter]);
  useEffect(() => {
    if (follow) end.current?.scrollIntoView({ block: 'nearest' });
  }, [shown, follow]);

  return (
    <section class="log" aria-label={name}>
      <div class="bar">
        <input
          type="search"
          placeholder={texts.filter}
          aria-label={texts.filter}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <label>
          <input
            type="checkbox"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
          />{' '}
          {texts.follow}
        </label>
        <span class="muted" role="status">
          {texts.shownLines(shown.length, log.lines.length)}
          {log.ended ? ` · ${texts.logEnded}` : ''}
        </span>
        <button type="button" onClick={() => download(name, log.lines)}>
          {texts.download}
        </button>
      </div>
      {log.problem === undefined ? null : (
        <p class="banner" role="alert">
          {texts.logProblem}
          {log.problem}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="lines" tabIndex={0} role="log" aria-label={name}>
        {log.lines.length === 0 ? <p class="muted">{texts.logEmpty}</p> : null}
        {shown.map(({ text, number }) => (
          <div class="line" key={number} id={`L${number}`}>
            <a class="number" href={`#L${number}`} aria-label={`${number}`}>
              {number}
            </a>
            <LineText text={text} />
          </div>
        ))}
        <div ref={end} />
      </div>
    </section>
  );
}

/** Escapes everything, and gives colours as classes: styles in the page are not allowed. */
function LineText({ text }: { text: string }) {
  const html = useMemo(() => {
    const ansi = new AnsiUp();
    ansi.use_classes = true;
    ansi.url_allowlist = {};
    return ansi.ansi_to_html(text);
  }, [text]);
  return <code dangerouslySetInnerHTML={{ __html: html }} />;
}

function download(name: string, lines: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name.replaceAll(/[^\w.-]+/g, '-')}.log`;
  link.click();
  URL.revokeObjectURL(url);
}
