/** A small chart without axes: how often a function was invoked over the window, and how often in vain. */
export function Spark({
  values,
  failures,
  label,
}: {
  values: readonly number[];
  failures: readonly number[];
  label: string;
}) {
  const most = Math.max(1, ...values);
  const step = 100 / Math.max(1, values.length);
  const bars = (of: readonly number[]) =>
    of
      .map((value, index) => {
        const height = value === 0 ? 0 : Math.max(1.5, (value / most) * 20);
        return `M${(index + 0.5) * step} 20v${-height}`;
      })
      .join('');
  return (
    <svg
      class="spark"
      viewBox="0 0 100 20"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="base" d="M0 19.5h100" />
      <path d={bars(values)} stroke-width={step * 0.8} />
      <path class="failures" d={bars(failures)} stroke-width={step * 0.8} />
    </svg>
  );
}
