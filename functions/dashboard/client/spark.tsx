/** A small chart without axes: how often a function was invoked over the window. */
export function Spark({ values, label }: { values: readonly number[]; label: string }) {
  const most = Math.max(1, ...values);
  const step = 100 / Math.max(1, values.length);
  const bars = values.map((value, index) => {
    const height = value === 0 ? 0 : Math.max(1.5, (value / most) * 20);
    return `M${(index + 0.5) * step} 20v${-height}`;
  });
  return (
    <svg
      class="spark"
      viewBox="0 0 100 20"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path d={bars.join('')} stroke-width={step * 0.8} />
    </svg>
  );
}
