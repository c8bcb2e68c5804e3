/** Failures of the operating system on reading a file, in words. */

/** Causes for which words are clearer than the code. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file: a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'no permission to read it',
  EPERM: 'reading it is not permitted',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many files are open',
};

/**
 * @param error What a call that reads a file threw.
 * @returns     For `got …, expected …`: words with the code in brackets, the code alone where there are none, or the message.
 */
export function readFault(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code !== 'string') return String(message);
  return Object.hasOwn(WORDS, code) ? `${WORDS[code]} (${code})` : code;
}
