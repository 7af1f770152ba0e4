import { useState } from 'preact/hooks';
import type { FunctionRow, TriedAnswer } from '../api/schemas.ts';
import { Problem, useAction } from './action-button.tsx';
import { actApi } from './api.ts';
import { texts } from './texts.ts';
import { duration } from './time.tsx';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

/** A request to the function, and its answer. The platform sends it: the page reaches no other host. */
export function TryIt({ fn: { owner, name } }: { fn: FunctionRow }) {
  const [method, setMethod] = useState('GET');
  const [path, setPath] = useState('/');
  const [headers, setHeaders] = useState('');
  const [body, setBody] = useState('');
  const [answer, setAnswer] = useState<TriedAnswer | undefined>(undefined);
  const { busy, problem, run } = useAction(async () => {
    const given = { owner, function: name, method, path, headers: headersOf(headers), body };
    setAnswer(await actApi('try', given));
  });
  return (
    <details class="card">
      <summary>
        <h2>{texts.tryIt}</h2>
      </summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <div class="bar">
          <label class="field">
            {texts.method}
            <select value={method} onChange={({ currentTarget }) => setMethod(currentTarget.value)}>
              {methods.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <label class="field grow">
            {texts.path}
            <input
              type="text"
              required
              pattern="/.*"
              value={path}
              onInput={({ currentTarget }) => setPath(currentTarget.value)}
            />
          </label>
          <button type="submit" class="main" disabled={busy}>
            {texts.send}
          </button>
        </div>
        <div class="columns">
          <label class="field">
            {texts.requestHeaders}
            <textarea
              rows={3}
              spellcheck={false}
              placeholder="content-type: application/json"
              value={headers}
              onInput={({ currentTarget }) => setHeaders(currentTarget.value)}
            />
          </label>
          <label class="field">
            {texts.body}
            <textarea
              rows={3}
              spellcheck={false}
              value={body}
              onInput={({ currentTarget }) => setBody(currentTarget.value)}
            />
          </label>
        </div>
      </form>
      <Problem problem={problem} />
      {answer === undefined ? null : <Answer answer={answer} />}
    </details>
  );
}

function Answer({ answer: { status, headers, body, truncated, ms } }: { answer: TriedAnswer }) {
  return (
    <section role="status" aria-label={texts.answer}>
      <p>
        <strong class={status < 400 ? 'good' : 'bad'}>{status}</strong>{' '}
        <span class="muted">
          {texts.answeredIn(duration(ms))}
          {truncated ? ` · ${texts.truncated}` : ''}
        </span>
      </p>
      <pre class="answer">
        {headers.map(({ name, value }) => `${name}: ${value}\n`).join('')}
        {'\n'}
        {body}
      </pre>
    </section>
  );
}

function headersOf(text: string): { name: string; value: string }[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new Error(texts.headerShape(line.trim()));
      return { name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() };
    });
}
