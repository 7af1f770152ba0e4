import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { FunctionRow } from '../api/schemas.ts';
import type { FunctionTraffic } from '../function-traffic.ts';
import { ActionButton } from './action-button.tsx';
import { actApi, askApi } from './api.ts';
import { Chart } from './chart.tsx';
import { CommitLink } from './commit-link.tsx';
import { Answered } from './feedback.tsx';
import { FunctionLog } from './function-log.tsx';
import { FunctionState } from './function-state.tsx';
import { paths } from './paths.ts';
import { Provenance } from './provenance.tsx';
import { texts } from './texts.ts';
import { Ago, duration } from './time.tsx';
import { TryIt } from './try-it.tsx';
import { useAnswer } from './use-answer.ts';
import { type TimeWindow, WindowPicker } from './window-picker.tsx';

/** One function: traffic, configuration, log. */
export function FunctionPage({ owner, name }: { owner: string; name: string }) {
  const [window, setWindow] = useState<TimeWindow>('60m');
  const loaded = useAnswer(
    `function ${owner} ${name}`,
    (signal) => askApi('function', { owner, function: name }, signal),
    5000,
    'functions',
  );
  const traffic = useAnswer(
    `traffic ${owner} ${name} ${window}`,
    (signal) => askApi('function-traffic', { owner, function: name, window }, signal),
    5000,
  );
  return (
    <>
      <p class="crumb">
        <a href={paths.functions(owner)}>{texts.functions}</a>
      </p>
      <div class="title">
        <h1>{name}</h1>
        <WindowPicker value={window} onChange={setWindow} />
      </div>
      <Answered loaded={loaded}>
        {(fn) => (
          <>
            <Facts fn={fn} />
            <Answered loaded={traffic}>{(values) => <Traffic traffic={values} />}</Answered>
            <TryIt fn={fn} />
            <Configuration fn={fn} />
            <Provenance fn={fn} />
            <FunctionLog fn={fn} />
            <DeleteFunction fn={fn} />
          </>
        )}
      </Answered>
    </>
  );
}

function Facts({ fn }: { fn: FunctionRow }) {
  return (
    <dl class="facts">
      <div>
        <dt>URL</dt>
        <dd>
          <a href={fn.url}>{fn.url}</a>
        </dd>
      </div>
      <div>
        <dt>{texts.repo}</dt>
        <dd>
          <a href={paths.deployments(fn.owner, fn.repo)}>{fn.repo}</a> {texts.on} {fn.branch},{' '}
          <CommitLink repoUrl={fn.repoUrl} sha={fn.sha} />
        </dd>
      </div>
      <div>
        <dt>{texts.deployed}</dt>
        <dd>
          {fn.deployedAt === null ? '–' : <Ago at={fn.deployedAt} />}
          {fn.deployedBy === null ? '' : ` ${texts.by} ${fn.deployedBy}`}
        </dd>
      </div>
      <div>
        <dt>{texts.state}</dt>
        <dd>
          <FunctionState fn={fn} />
        </dd>
      </div>
    </dl>
  );
}

function Traffic({ traffic }: { traffic: FunctionTraffic }) {
  const { success, failure, latency, series } = traffic;
  const all = success + failure;
  if (all === 0) return <p class="card muted">{texts.noTraffic}</p>;
  const seconds = (value: number | null) => (value === null ? '–' : duration(value * 1000));
  return (
    <div class="charts">
      <section class="card">
        <h2>{texts.requests}</h2>
        <p>
          <strong>{all}</strong>, {texts.errorRate}{' '}
          <strong class={failure > 0 ? 'bad' : 'good'}>
            {((failure / all) * 100).toFixed(1)} %
          </strong>
        </p>
        <Chart
          label={texts.requests}
          times={series.times}
          format={(value) => String(Math.round(value))}
          lines={[
            { label: texts.succeeded, values: series.success, color: 'good', fill: true },
            { label: texts.failed, values: series.failure, color: 'bad', fill: true },
          ]}
        />
      </section>
      <section class="card">
        <h2>{texts.latency}</h2>
        {traffic.source === '' ? null : <p class="muted">{texts.numbersFrom(traffic.source)}</p>}
        <p title={texts.latencyHint}>
          {texts.median} <strong>{seconds(latency.p50)}</strong>, 95 %{' '}
          <strong>{seconds(latency.p95)}</strong>, 99 % <strong>{seconds(latency.p99)}</strong>
        </p>
        <Chart
          label={texts.latency}
          times={series.times}
          format={(value) => duration(value * 1000)}
          lines={[
            { label: texts.median, values: series.p50, color: 'good' },
            { label: '95 %', values: series.p95, color: 'accent' },
            { label: '99 %', values: series.p99, color: 'bad' },
          ]}
        />
      </section>
    </div>
  );
}

function Configuration({ fn }: { fn: FunctionRow }) {
  const limits = Object.entries(fn.limits).map(([key, value]) => `${key} ${value}`);
  const annotations = Object.entries(fn.annotations).map(([key, value]) => `${key}: ${value}`);
  return (
    <details class="card">
      <summary>
        <h2>{texts.configuration}</h2>
      </summary>
      <p class="muted">{texts.namesOnly}</p>
      <dl class="facts">
        <List name={texts.environment} items={fn.environment} />
        <List name={texts.secrets} items={fn.secrets} />
        <List name={texts.limits} items={limits} />
        <List name={texts.annotations} items={annotations} />
        <List name={texts.image} items={[fn.image]} />
      </dl>
    </details>
  );
}

function List({ name, items }: { name: string; items: readonly string[] }) {
  return (
    <div>
      <dt>{name}</dt>
      {items.length === 0 ? (
        <dd class="muted">{texts.none}</dd>
      ) : (
        items.map((item) => (
          <dd key={item}>
            <code>{item}</code>
          </dd>
        ))
      )}
    </div>
  );
}

function DeleteFunction({ fn: { owner, name } }: { fn: FunctionRow }) {
  const { route } = useLocation();
  return (
    <p class="choices">
      <ActionButton
        label={texts.deleteFunction}
        destroys
        confirmation={{
          title: texts.deleteTitle(name),
          text: texts.deleteText,
          typed: name,
        }}
        act={async () => {
          await actApi('delete-function', { owner, function: name });
          route(paths.functions(owner));
        }}
      />
    </p>
  );
}
