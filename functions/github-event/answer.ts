/** What GitHub gets to read in its list of deliveries. */
export interface Answer {
  readonly status: 200 | 202;
  readonly body: string | Readonly<Record<string, string>>;
}
