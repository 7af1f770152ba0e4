import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { texts } from './texts.ts';

/** What is asked before something is done that cannot be taken back by a click. */
export interface Confirmation {
  readonly title: string;
  readonly text: string;
  /** Must be typed, where much would be lost. */
  readonly typed?: string;
}

/**
 * Does something at the platform, after a confirmation. It cannot be pressed twice, and says what went
 * wrong where the person looks.
 */
export function ActionButton({
  label,
  confirmation,
  destroys = false,
  act,
}: {
  label: string;
  confirmation: Confirmation;
  destroys?: boolean;
  act: () => Promise<void>;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const { busy, problem, run, clear } = useAction(act);
  const id = useId();
  const open = () => {
    setTyped('');
    clear();
    dialog.current?.showModal();
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await run()) dialog.current?.close();
  };
  const ready = confirmation.typed === undefined || typed === confirmation.typed;
  return (
    <>
      <button type="button" class={destroys ? 'danger' : ''} onClick={open}>
        {label}
      </button>
      <dialog ref={dialog} aria-labelledby={id}>
        <form onSubmit={(event) => void submit(event)}>
          <h2 id={id}>{confirmation.title}</h2>
          <p>{confirmation.text}</p>
          {confirmation.typed === undefined ? null : (
            <label class="field">
              {texts.typeToConfirm(confirmation.typed)}
              <input
                type="text"
                autocomplete="off"
                value={typed}
                onInput={({ currentTarget }) => setTyped(currentTarget.value)}
              />
            </label>
          )}
          <Problem problem={problem} />
          <p class="choices">
            <button type="button" onClick={() => dialog.current?.close()}>
              {texts.keep}
            </button>
            <button type="submit" class={destroys ? 'danger' : 'main'} disabled={busy || !ready}>
              {label}
            </button>
          </p>
        </form>
      </dialog>
    </>
  );
}

/** One thing at a time, and what became of it; `run` tells whether it went well. */
export function useAction(act: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const run = async (): Promise<boolean> => {
    setBusy(true);
    setProblem(undefined);
    try {
      await act();
      return true;
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run, clear: () => setProblem(undefined) };
}

/** What went wrong, if something did. */
export function Problem({ problem }: { problem: ComponentChildren }) {
  if (problem === undefined) return null;
  return (
    <p class="banner bad" role="alert">
      {problem}
    </p>
  );
}
