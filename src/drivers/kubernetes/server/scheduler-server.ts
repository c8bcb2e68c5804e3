/**
 * The HTTP server of a scheduler: health for kubelet, metrics for Prometheus, explanations and snapshots for people.
 *
 * Health is open. Everything else needs a token whose owner may get the path, unless only this machine can reach the
 * listener. Bounded: connections, header sizes, times of a request.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { TegError } from '../../../model/errors.ts';
import type { ApiClient } from '../client/api.ts';
import { isLoopback, type SchedulerConfig } from '../config/config-schema.ts';
import { RequestAuthorizer } from './request-authorizer.ts';
import type { SchedulerMetrics } from './scheduler-metrics.ts';
import type { CertificatePair } from './self-signed-certificate.ts';
import { ServingCertificate } from './serving-certificate.ts';

/** Sources of the pages. */
export interface SchedulerPages {
  /** Readiness: '' if everything is listed, or what is missing. */
  ready(): string;
  /** Liveness: '' or what is stuck. */
  live(): string;
  /** For /configz. */
  readonly config: SchedulerConfig;
  readonly metrics: SchedulerMetrics;
  /** Why a pod is where it is; undefined if the pod is unknown. Plain JSON. */
  explain(namespace: string, name: string): unknown;
  /** The jobs that wait, as of `WaitingReport`. */
  waiting(): unknown;
  /** Tenants, prices and balances, as of `EconomyPage`. */
  economy(): unknown;
  /** The state of the cluster for `teg simulate`; JSON or lines of it. */
  snapshot(): string | Uint8Array | Readable | Promise<string | Uint8Array | Readable>;
}

/** Options of the server. */
export interface SchedulerServerOptions {
  readonly server: SchedulerConfig['server'];
  /** For TokenReview and SubjectAccessReview. */
  readonly client: ApiClient;
  readonly pages: SchedulerPages;
  /** Called for pages that failed and for certificates that cannot be read. */
  readonly onWriteError: (text: string, error: unknown) => void;
  /** Further names of a self-signed certificate. */
  readonly hosts?: readonly string[];
  /** Interval between checks of the certificate files; default 10. */
  readonly lookSeconds?: number;
}

/** Bounds of the listener. */
const CONNECTIONS_MAX = 256;
const HEADER_BYTES_MAX = 32_768;
const REQUEST_SECONDS_MAX = 60;
const NAME_CHARS_MAX = 253;

type Listener = HttpServer | HttpsServer;

/** A listening server. `close` it. */
export class SchedulerServer {
  /** `https://127.0.0.1:10259`. */
  readonly url: string;
  /** The certificate that it presents; undefined over plain HTTP. */
  readonly certificate: ServingCertificate | undefined;
  readonly #app: FastifyInstance;

  private constructor(app: FastifyInstance, url: string, certificate: ServingCertificate | undefined) {
    this.#app = app;
    this.url = url;
    this.certificate = certificate;
  }

  /**
   * Starts to listen.
   *
   * @throws TegError TEG_LISTEN_FAILED if the address is taken or the certificate cannot be used.
   */
  static async start(options: SchedulerServerOptions): Promise<SchedulerServer> {
    const { bindAddress, port, insecureLoopback } = options.server;
    let listener: Listener | undefined;
    const certificate = insecureLoopback
      ? undefined
      : await openCertificate(options, (pair) => (listener as HttpsServer).setSecureContext(pair));
    const app = await makeApp(options, certificate?.pair);
    listener = app.server;
    listener.maxConnections = CONNECTIONS_MAX;
    try {
      // `localhost` would make a listener for each of its addresses.
      await app.listen({ host: bindAddress === 'localhost' ? '127.0.0.1' : bindAddress, port });
    } catch (cause) {
      certificate?.stop();
      await app.close();
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
      throw new TegError(
        'TEG_LISTEN_FAILED',
        `${bindAddress}:${port}: got ${code}, expected an address that is free; change server.bindAddress or server.port`,
        { cause },
      );
    }
    return new SchedulerServer(app, urlOf(app.server.address() as AddressInfo, certificate), certificate);
  }

  /** Stops listening, and ends requests in flight. */
  async close(): Promise<void> {
    this.certificate?.stop();
    await this.#app.close();
  }
}

function openCertificate(
  options: SchedulerServerOptions,
  onChange: (pair: CertificatePair) => void,
): Promise<ServingCertificate> {
  const { tls, bindAddress } = options.server;
  return ServingCertificate.open({
    ...tls,
    hosts: [bindAddress, ...(options.hosts ?? [])],
    onChange,
    onWriteError: (text) => options.onWriteError('the certificate could not be read again', text),
    ...(options.lookSeconds !== undefined && { lookSeconds: options.lookSeconds }),
  });
}

function urlOf({ address, port, family }: AddressInfo, certificate: unknown): string {
  const host = family === 'IPv6' ? `[${address}]` : address;
  return `${certificate === undefined ? 'http' : 'https'}://${host}:${port}`;
}

async function makeApp(
  options: SchedulerServerOptions,
  pair: CertificatePair | undefined,
): Promise<FastifyInstance> {
  const common = {
    logger: false,
    bodyLimit: 1024,
    requestTimeout: REQUEST_SECONDS_MAX * 1000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: NAME_CHARS_MAX },
  };
  const limits = { maxHeaderSize: HEADER_BYTES_MAX };
  const app = (pair === undefined
    ? fastify({ ...common, http: limits })
    : fastify({ ...common, https: { ...limits, ...pair, minVersion: 'TLSv1.2' } })) as FastifyInstance<
    Listener,
    IncomingMessage,
    ServerResponse
  > as FastifyInstance;
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'no such page' }));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) options.onWriteError(`${request.url} failed`, error);
    return reply.code(status).send({ error: status >= 500 ? 'internal error' : error.message });
  });
  addHealth(app, options.pages);
  addGuarded(app, options);
  await app.ready();
  return app;
}

/** Open to all callers: readiness and liveness. */
function addHealth(app: FastifyInstance, pages: SchedulerPages): void {
  const answer = (reply: FastifyReply, problem: string) =>
    reply
      .code(problem === '' ? 200 : 503)
      .type('text/plain; charset=utf-8')
      .send(problem === '' ? 'ok' : problem);
  app.get('/livez', (_, reply) => answer(reply, pages.live()));
  app.get('/healthz', (_, reply) => answer(reply, pages.live()));
  app.get('/readyz', (_, reply) => answer(reply, pages.live() || pages.ready()));
}

/** The page by its name in rules, however the request spelled it. */
function pathOf(request: FastifyRequest): string {
  const params = (request.params ?? {}) as Readonly<Record<string, string>>;
  return (request.routeOptions.url ?? '').replace(/:(\w+)/g, (_, name: string) => params[name] ?? '');
}

/** Open to authorized callers, or to all on loopback. */
function addGuarded(app: FastifyInstance, options: SchedulerServerOptions): void {
  const { pages, client, server } = options;
  const authorizer = isLoopback(server.bindAddress) ? undefined : new RequestAuthorizer({ client });
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    if (authorizer === undefined) return;
    const path = pathOf(request);
    const verdict = await authorizer.authorize(request.headers.authorization, path);
    if (verdict.status === 200) return;
    if (verdict.status === 401) reply.header('www-authenticate', 'Bearer');
    await reply.code(verdict.status).send({ error: verdict.reason });
  };
  app.get('/metrics', { onRequest }, async (_, reply) => {
    const text = await pages.metrics.text();
    return reply.type(pages.metrics.contentType).send(text);
  });
  app.get('/configz', { onRequest }, () => pages.config);
  app.get('/snapshot', { onRequest }, async (_, reply) => {
    const snapshot = await pages.snapshot();
    return reply.type('application/json; charset=utf-8').send(snapshot);
  });
  app.get('/explain/waiting', { onRequest }, () => pages.waiting());
  app.get('/explain/economy', { onRequest }, () => pages.economy());
  app.get<{ Params: { namespace: string; name: string } }>(
    '/explain/:namespace/:name',
    { onRequest },
    (request, reply) => {
      const { namespace, name } = request.params;
      const explanation = pages.explain(namespace, name);
      if (explanation !== undefined) return reply.send(explanation);
      return reply.code(404).send({ error: `no pod ${namespace}/${name} is known` });
    },
  );
}
