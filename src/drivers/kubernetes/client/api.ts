/**
 * The interface to an API server: requests, lists with watches, and the errors that they end with.
 *
 * Why not a ready-made client: its list and watch keep whole objects, stall silently and swallow errors of their users;
 * here an object is handed over once and dropped. Kubeconfig and authentication are the library's.
 */

import type { MessageSchema } from './protobuf/message-schema.ts';

/** Headers of a request. Not changed afterwards. */
export type Headers = Readonly<Record<string, string>>;

/** Address of an API server and how its identity is verified. */
export interface ApiTarget {
  /** `https://host:port` with an optional path, no slash at the end. */
  readonly server: string;
  readonly ca: string | undefined;
  readonly skipTlsVerify: boolean;
  readonly serverName: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  /** Headers for a request (a token that may be renewed): at once if they are at hand. @throws Error if there are none. */
  headers(): Headers | Promise<Headers>;
  /** For messages: file and context, or `in cluster`. */
  readonly origin: string;
}

/** An answer that was read whole. */
export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON, or a Status in protobuf; undefined for any other answer. */
  readonly body: unknown;
  /** Seconds of a Retry-After header; NaN if there is none. */
  readonly retryAfterSeconds: number;
}

/** A request. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From `/api` or `/apis` on, with query. */
  readonly path: string;
  readonly body?: unknown;
  /**
   * Schema of the body, which names all of its fields: the body is sent as protobuf, unless the server takes only JSON.
   * The body then has `apiVersion` and `kind`.
   */
  readonly schema?: MessageSchema;
  /** For PATCH; default application/merge-patch+json. */
  readonly contentType?: string;
  /** Most seconds to wait for the answer; default 30. */
  readonly timeoutSeconds?: number;
  /** The caller does not need the body of a success: it is not parsed (`body` is then undefined). Default false. */
  readonly successIsEnough?: boolean;
  /** Most bytes of the answer; default 64 MiB. */
  readonly answerBytesMax?: number;
  /**
   * Called right before the first byte is written, however long the request waited; false: the request fails as not
   * sent. For writes that a lost lease forbids.
   */
  readonly stillWanted?: () => boolean;
}

/** Requests over a pool of connections (undici, HTTP/1.1, pipelined). */
export interface ApiClient {
  /**
   * @returns The answer, whatever its status.
   * @throws ApiUnknownError if it is not known whether the server did it (time-out, connection lost after sending);
   *         ApiNotSentError if it surely did not (no connection).
   */
  request(request: ApiRequest): Promise<ApiAnswer>;
  close(): Promise<void>;
}

/** The resource that a reflector watches. */
export interface ReflectedResource {
  /** For logs and metrics: `pods`, `nodes`, …. */
  readonly name: string;
  /** `/api/v1/pods`; of several versions of the API, the newest. */
  readonly path: string;
  /**
   * The same in older versions, newest first, for API servers that do not serve `path`. Tried again whenever a version
   * is not (or no longer) served.
   */
  readonly olderPaths?: readonly string[];
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** Fields of its objects that are read, where they can come as protobuf; without it they are parsed JSON. */
  readonly schema?: MessageSchema;
  /**
   * The feature that is lost without this resource, for people. It marks a resource that may be missing where the right
   * to read it is missing (403): known objects stay known, and the right is checked again from time to time.
   */
  readonly withoutIt?: string;
  /**
   * 404 on the list (no such API in this cluster) is not an error: the resource is empty, and is looked for again from
   * time to time.
   */
  readonly optional?: boolean;
}

/** Receives every object; objects are not kept. An exception thrown here ends the reflector with it. */
export interface ReflectionHandler {
  /** Added or changed. */
  set(object: unknown): void;
  /** Gone, by uid (what `metadata.uid` was) and key (`namespace/name` or `name`). */
  gone(uid: string, key: string): void;
  /** The first list is complete, or cannot be read (`optional`, `withoutIt`); called once. */
  synced(): void;
  /** The right to read a resource with `withoutIt` is missing from now on, or exists again and everything is listed. */
  denied?(isMissing: boolean): void;
}
