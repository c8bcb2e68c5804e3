/**
 * The two ways in which a request ends without an answer. Which of them it was decides what the caller may do next:
 * a write that was not sent may be sent again; one whose fate is unknown must be resolved by reading.
 */

/** What both know. */
interface ApiFailure {
  readonly method: string;
  readonly path: string;
}

/** `POST /api/v1/…: what happened`. */
function describeFailure(what: string, failure: ApiFailure): string {
  return `${failure.method} ${failure.path}: ${what}`;
}

/** The server surely did not do it: not one byte of the request was handed to a connection, or it could not read its format. */
export class ApiNotSentError extends Error {
  readonly method: string;
  readonly path: string;

  /** @param what The reason why it could not be sent. */
  constructor(what: string, failure: ApiFailure, options?: { cause?: unknown }) {
    super(describeFailure(`not sent: ${what}`, failure), options);
    this.name = 'ApiNotSentError';
    this.method = failure.method;
    this.path = failure.path;
  }
}

/** The server may have done it, or not, or may still be about to do it. */
export class ApiUnknownError extends Error {
  readonly method: string;
  readonly path: string;

  /** @param what The reason why there is no answer. */
  constructor(what: string, failure: ApiFailure, options?: { cause?: unknown }) {
    super(describeFailure(`outcome unknown: ${what}`, failure), options);
    this.name = 'ApiUnknownError';
    this.method = failure.method;
    this.path = failure.path;
  }
}
