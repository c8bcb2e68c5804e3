/**
 * Authorizes requests for a page by their token, through the API server: TokenReview gives the identity,
 * SubjectAccessReview says whether it may `get` the non-resource URL. As in kube-scheduler; answers are cached for a
 * short time.
 *
 * Bounded: cached answers, reviews in flight, and length of tokens, so that no client can make the API server work for
 * it.
 */
import { createHash } from 'node:crypto';
import { type ApiObject, isRecord } from '../../../model/readers/read-object.ts';
import type { ApiClient } from '../client/api.ts';

/** The verdict: 200, or the status and reason of the refusal. */
export interface AccessVerdict {
  readonly status: 200 | 401 | 403 | 429 | 503;
  readonly reason: string;
}

/** Bounds. */
export interface AuthorizerOptions {
  readonly client: ApiClient;
  /** Seconds that answers stay valid; default 10, as in kube-scheduler. */
  readonly cacheSeconds?: number;
  /** Most answers cached; default 1,000. */
  readonly cacheMax?: number;
  /** Most reviews in flight; further ones are refused with 429. Default 16. */
  readonly askingMax?: number;
  /** Seconds, monotonic; default the process clock. */
  readonly nowSeconds?: () => number;
}

const ALLOWED: AccessVerdict = { status: 200, reason: '' };
const TOKEN_CHARS_MAX = 16_384;
const ASK_SECONDS_MAX = 10;
const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

interface Remembered {
  readonly verdict: Promise<AccessVerdict>;
  readonly untilSeconds: number;
}

/** Verdicts for one server. */
export class RequestAuthorizer {
  readonly #client: ApiClient;
  readonly #cacheSeconds: number;
  readonly #cacheMax: number;
  readonly #askingMax: number;
  readonly #now: () => number;
  /** By digest of token and path, oldest first. */
  readonly #answers = new Map<string, Remembered>();
  #asking = 0;

  constructor(options: AuthorizerOptions) {
    this.#client = options.client;
    this.#cacheSeconds = options.cacheSeconds ?? 10;
    this.#cacheMax = options.cacheMax ?? 1000;
    this.#askingMax = options.askingMax ?? 16;
    this.#now = options.nowSeconds ?? (() => performance.now() / 1000);
  }

  /**
   * Decides on a request; equal reviews in flight are sent once.
   *
   * @param header The Authorization header.
   * @param path   Path of the request without query.
   */
  authorize(header: string | undefined, path: string): Promise<AccessVerdict> {
    const token = /^Bearer +([\x21-\x7e]+)$/i.exec(header ?? '')?.[1];
    if (token === undefined || token.length > TOKEN_CHARS_MAX) {
      return Promise.resolve({ status: 401, reason: 'a bearer token is needed' });
    }
    const key = createHash('sha256').update(token).update('\0').update(path).digest('base64');
    const known = this.#answers.get(key);
    if (known !== undefined && this.#now() < known.untilSeconds) return known.verdict;
    if (this.#asking >= this.#askingMax) {
      return Promise.resolve({ status: 429, reason: 'too many requests with tokens that are not known yet' });
    }
    return this.#remember(key, this.#ask(token, path));
  }

  #remember(key: string, asked: Promise<AccessVerdict>): Promise<AccessVerdict> {
    this.#answers.delete(key);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size < this.#cacheMax) break;
      this.#answers.delete(oldest);
    }
    const remembered = { verdict: asked, untilSeconds: this.#now() + this.#cacheSeconds };
    this.#answers.set(key, remembered);
    // A failed review is not cached.
    void asked.then(({ status }) => {
      if (status === 503 && this.#answers.get(key) === remembered) this.#answers.delete(key);
    });
    return asked;
  }

  async #ask(token: string, path: string): Promise<AccessVerdict> {
    this.#asking++;
    try {
      const user = await this.#userOf(token);
      if (user === undefined) return { status: 401, reason: 'the token is not valid' };
      return await this.#accessOf(user, path);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { status: 503, reason: `the API server could not be asked: ${text}` };
    } finally {
      this.#asking--;
    }
  }

  /** @returns The owner of the token; undefined if it has none. */
  async #userOf(token: string): Promise<ApiObject | undefined> {
    const status = await this.#review(TOKEN_REVIEWS, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token },
    });
    return status.authenticated === true && isRecord(status.user) ? status.user : undefined;
  }

  async #accessOf(user: ApiObject, path: string): Promise<AccessVerdict> {
    const status = await this.#review(ACCESS_REVIEWS, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: user.username,
        groups: user.groups,
        uid: user.uid,
        extra: user.extra,
        nonResourceAttributes: { path, verb: 'get' },
      },
    });
    if (status.allowed === true && status.denied !== true) return ALLOWED;
    return { status: 403, reason: `${String(user.username)} may not get ${path}` };
  }

  /** @returns `status` of the answer. @throws Error if there is none. */
  async #review(path: string, body: unknown): Promise<ApiObject> {
    const answer = await this.#client.request({
      method: 'POST',
      path,
      body,
      timeoutSeconds: ASK_SECONDS_MAX,
    });
    if (answer.status !== 200 && answer.status !== 201) {
      throw new Error(`${path} was answered with ${answer.status}`);
    }
    const status = isRecord(answer.body) ? answer.body.status : undefined;
    if (!isRecord(status)) throw new Error(`${path} was answered without a status`);
    return status;
  }
}
