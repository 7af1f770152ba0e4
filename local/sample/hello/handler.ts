interface Event {
  readonly query: Record<string, string>;
}

/** Answers `GET /hello?name=you`. */
export default async (event: Event) => ({
  message: `${process.env['greeting']}, ${event.query['name'] ?? 'world'}!`,
});
