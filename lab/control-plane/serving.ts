/** Readiness of a process on loopback. */
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

const TIMEOUT_MS = 2000;

/**
 * @returns True if the address answers 200 within 2 s; never throws. The certificate is not checked: the request goes
 *   to our own process.
 */
export function serves(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { agent: false, rejectUnauthorized: false, timeout: TIMEOUT_MS } as const;
    const request = (url.startsWith('https:') ? getSecure : getPlain)(url, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    const timer = setTimeout(() => request.destroy(new Error('no answer')), TIMEOUT_MS);
    request.on('error', () => resolve(false));
    request.on('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
