/**
 * Whether to write colour, decided in one place.
 */

/**
 * @returns True if colour is to be written to a stream: NO_COLOR and FORCE_COLOR first, then whether it is a terminal.
 */
export function wantsColor(stream: { readonly isTTY?: boolean | undefined }): boolean {
  if (process.env.NO_COLOR) return false;
  const force = process.env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}
