import { useState } from 'preact/hooks';
import { texts } from './texts.ts';

/** A line to be copied: an address, a command. */
export function CopyText({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <p class="copy">
      <code>{text}</code>
      <button type="button" aria-label={`${texts.copy}: ${text}`} onClick={() => void copy()}>
        {copied ? texts.copied : texts.copy}
      </button>
    </p>
  );
}
