import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { LineText } from './line-text.tsx';
import { logPattern } from './log-pattern.ts';
import { texts } from './texts.ts';
import type { LogLines } from './use-log.ts';
import { useVirtualList } from './use-virtual-list.ts';

const rowPx = 20;
/** As terminals understand them (ECMA-48, SGR). */
const colours = /\x1b\[[\d;]*m/g;

/**
 * Lines of a log: coloured as in a terminal, filtered, each with a link, and followed at the end until
 * somebody scrolls back. Only the lines in sight are in the page.
 *
 * @param json Lines may be JSON objects, which are shown in the order people read them, unless they want them raw.
 */
export function LogView({ log, name, json }: { log: LogLines; name: string; json?: boolean }) {
  const { lines } = log;
  const [raw, setRaw] = useState(false);
  const [filter, setFilter] = useState('');
  const target = useTargetLine();
  const [follow, setFollow] = useState(target === undefined);
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => matching(lines, filter), [lines, filter]);
  const count = shown?.length ?? lines.length;
  const list = useVirtualList(scroller, count, rowPx);
  useEffect(() => {
    if (follow && count > 0) list.scrollToIndex(count - 1, { align: 'end' });
  }, [count, follow, list]);
  const isThere = target !== undefined && target <= lines.length;
  useEffect(() => {
    if (!isThere || target === undefined) return;
    setFollow(false);
    setFilter('');
    list.scrollToIndex(target - 1, { align: 'center' });
  }, [target, isThere, list]);

  const items = list.getVirtualItems();
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
        {json ? (
          <label title={texts.rawHint}>
            <input
              type="checkbox"
              checked={raw}
              onChange={(event) => setRaw(event.currentTarget.checked)}
            />{' '}
            {texts.raw}
          </label>
        ) : null}
        <span class="muted" role="status">
          {texts.shownLines(count, lines.length)}
          {log.ended ? ` · ${texts.logEnded}` : ''}
        </span>
        <button type="button" onClick={() => download(name, lines)}>
          {texts.download}
        </button>
      </div>
      {log.problem === undefined ? null : (
        <p class="banner" role="alert">
          {texts.logProblem}
          {log.problem}
        </p>
      )}
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div
        ref={scroller}
        class="lines"
        tabIndex={0}
        role="log"
        aria-label={name}
        onWheel={({ deltaY }) => deltaY < 0 && setFollow(false)}
        onTouchMove={() => setFollow(false)}
        onKeyDown={({ key }) => ['ArrowUp', 'PageUp', 'Home'].includes(key) && setFollow(false)}
      >
        {lines.length === 0 ? <p class="muted">{texts.logEmpty}</p> : null}
        <div class="all" style={{ height: `${list.getTotalSize()}px` }}>
          <div style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
            {items.map(({ index, key }) => {
              const at = shown?.[index] ?? index;
              return (
                <div
                  class={at + 1 === target ? 'line target' : 'line'}
                  key={key}
                  data-index={index}
                  ref={list.measureElement}
                >
                  <a class="number" href={`#L${at + 1}`} aria-label={`${at + 1}`}>
                    {at + 1}
                  </a>
                  <LineText text={lines[at] ?? ''} json={json === true && !raw} />
                </div>
              );
            })}
          </div>
        </div>
      </div>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: as above */}
    </section>
  );
}

/** Which lines hold a text, in any case; `undefined`: all. */
function matching(lines: readonly string[], filter: string): readonly number[] | undefined {
  if (filter === '') return undefined;
  const wanted = logPattern(filter);
  return lines.flatMap((text, index) => (wanted.test(text.replace(colours, '')) ? [index] : []));
}

/** The line that the address names: `#L12`. */
function useTargetLine(): number | undefined {
  const read = () => Number(/^#L(\d{1,7})$/.exec(location.hash)?.[1] ?? Number.NaN);
  const [line, setLine] = useState(read);
  useEffect(() => {
    const changed = () => setLine(read());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return Number.isNaN(line) ? undefined : line;
}

function download(name: string, lines: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name.replaceAll(/[^\w.-]+/g, '-')}.log`;
  link.click();
  URL.revokeObjectURL(url);
}
