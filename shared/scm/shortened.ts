/** `text` in at most `max` characters; an ellipsis shows that there was more. */
export function shortened(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
