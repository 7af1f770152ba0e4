/** What people get to read in the SCM's list of deliveries. */
export interface Answer {
  readonly status: 200 | 202;
  readonly body: string | Readonly<Record<string, string>>;
}
