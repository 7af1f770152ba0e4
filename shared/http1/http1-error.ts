/**
 * Why an exchange failed: the server could not be reached, the connection was lost, time was up, or
 * what came was no HTTP/1.1 that can be read in one way only.
 */
export type Http1Failure = 'connect' | 'lost' | 'timeout' | 'protocol';

/** An exchange that failed. */
export class Http1Error extends Error {
  override readonly name = 'Http1Error';
  readonly failure: Http1Failure;

  constructor(failure: Http1Failure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
