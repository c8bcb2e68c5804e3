/**
 * Numbers of things in messages.
 */

/** @returns A number with its noun: `1 pod`, `2 pods`. @param plural Default: the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
