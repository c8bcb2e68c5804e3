/** The ways in which a list or watch of a reflector can end other than by the server's answer. */
import { InactiveError } from './api-stream.ts';

/** An exception of the handler, on its way to the caller that waits for the reflector. */
export class HandlerFailure extends Error {}

/** Everything is to be listed again. */
export class RelistRequested extends Error {}

/** @returns True if a streamed list ended as on a server that refuses it, or that never reports that it is complete. */
export function cannotStream(error: Error, status: number): boolean {
  return status === 400 || status === 422 || error instanceof InactiveError;
}
