import { useEffect } from 'preact/hooks';
import { apiUrl } from './api.ts';

/** What the platform tells of. */
export type Topic = 'deployments' | 'functions';

const topics: readonly Topic[] = ['deployments', 'functions'];
const listeners = new Map<Topic, Set<() => void>>(topics.map((topic) => [topic, new Set()]));
let connected = false;

/** After a refusal, such as of too many open pages; a lost connection the browser makes again itself. */
const retryMs = 20_000;

/** Whether changes are told at the moment; if not, whoever shows something must ask now and then. */
export function isLive(): boolean {
  return connected;
}

/** Calls `listener` whenever there may be something new; gives what ends that. */
export function onChange(topic: Topic, listener: () => void): () => void {
  const set = listeners.get(topic);
  set?.add(listener);
  return () => void set?.delete(listener);
}

/** Listens for changes of an owner's things while the page is open. */
export function useLive(owner: string): void {
  useEffect(() => {
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource(apiUrl('events', { owner }));
      source.onopen = () => {
        connected = true;
        // Something may have changed while nobody listened.
        topics.forEach(tell);
      };
      source.addEventListener('change', ({ data }: MessageEvent<string>) => {
        const { topic } = JSON.parse(data) as { topic: Topic };
        tell(topic);
      });
      source.onerror = () => {
        connected = false;
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, retryMs);
      };
    };
    open();
    return () => {
      connected = false;
      clearTimeout(timer);
      source.close();
    };
  }, [owner]);
}

function tell(topic: Topic): void {
  for (const listener of listeners.get(topic) ?? []) listener();
}
