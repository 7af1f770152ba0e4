/**
 * All values of one field, in their order. Node's own maps of fields are made whole for the first who
 * asks, which costs more than two looks through the list.
 *
 * @param raw `request.rawHeaders`
 * @param name In lower case.
 */
export function headerValues(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.length === name.length && raw[i]?.toLowerCase() === name)
      values.push(raw[i + 1] ?? '');
  }
  return values;
}
