import { texts } from './texts.ts';

/** A window over which numbers are shown. */
export type TimeWindow = keyof typeof texts.windows;

/** Chooses a {@link TimeWindow}. */
export function WindowPicker({
  value,
  onChange,
}: {
  value: TimeWindow;
  onChange: (window: TimeWindow) => void;
}) {
  const names = Object.keys(texts.windows) as TimeWindow[];
  return (
    <fieldset class="windows">
      <legend class="hidden">{texts.window}</legend>
      {names.map((name) => (
        <label key={name}>
          <input
            type="radio"
            name="window"
            checked={name === value}
            onChange={() => onChange(name)}
          />
          <span>{texts.windows[name]}</span>
        </label>
      ))}
    </fieldset>
  );
}
