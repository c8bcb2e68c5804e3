/** The certificate that a server presents: from files, read again when they change, or made at start. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { TegError } from '../../../model/errors.ts';
import { readFault } from '../../../model/file-faults.ts';
import { type CertificatePair, makeSelfSignedCertificate } from './self-signed-certificate.ts';

/** Interval between checks of the files, and of a self-signed certificate's end. */
const LOOK_SECONDS = 10;

/** A self-signed certificate is replaced when its remaining validity is this short. */
const OWN_DAYS = 365;
const OWN_DAYS_LEFT = 30;

/** Options of a serving certificate. */
export interface ServingCertificateOptions {
  /** Paths of PEM files; both '' for a self-signed one. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Names and addresses of a self-signed certificate, besides the machine's and loopback's. */
  readonly hosts: readonly string[];
  /** Receives the pair whenever it changes. */
  readonly onChange: (pair: CertificatePair) => void;
  /** Called when changed files cannot be used; the old pair stays in use. */
  readonly onWriteError: (text: string) => void;
  /** Default 10. */
  readonly lookSeconds?: number;
}

/** A certificate that is kept up to date. `stop` it. */
export class ServingCertificate {
  readonly #options: ServingCertificateOptions;
  readonly #timer: NodeJS.Timeout;
  #pair: CertificatePair;
  #trouble = '';
  #looking = false;

  private constructor(options: ServingCertificateOptions, pair: CertificatePair) {
    this.#options = options;
    this.#pair = pair;
    this.#timer = setInterval(() => void this.look(), (options.lookSeconds ?? LOOK_SECONDS) * 1000);
    this.#timer.unref();
  }

  /** @throws TegError TEG_LISTEN_FAILED if the files cannot be used. */
  static async open(options: ServingCertificateOptions): Promise<ServingCertificate> {
    const pair = isOwn(options) ? ownPair(options) : await readPair(options);
    return new ServingCertificate(options, pair);
  }

  /** The certificate in use. */
  get pair(): CertificatePair {
    return this.#pair;
  }

  /** Checks whether the certificate must change; the timer calls it every 10 s. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const pair = await this.#currentPair();
      this.#trouble = '';
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      this.#pair = pair;
      this.#options.onChange(pair);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== this.#trouble) this.#options.onWriteError(text);
      this.#trouble = text;
    } finally {
      this.#looking = false;
    }
  }

  async #currentPair(): Promise<CertificatePair> {
    if (!isOwn(this.#options)) return readPair(this.#options);
    const until = new X509Certificate(this.#pair.cert).validToDate.getTime();
    return until - Date.now() < OWN_DAYS_LEFT * 86_400_000 ? ownPair(this.#options) : this.#pair;
  }

  /** No more looking. */
  stop(): void {
    clearInterval(this.#timer);
  }
}

function isOwn(options: ServingCertificateOptions): boolean {
  return options.certFile === '';
}

function ownPair(options: ServingCertificateOptions): CertificatePair {
  const hosts = new Set([hostname() || 'teg', 'localhost', '127.0.0.1', '::1', ...options.hosts]);
  // An hour ago, for clients whose clock is behind.
  return makeSelfSignedCertificate([...hosts], Date.now() / 1000 - 3600, OWN_DAYS);
}

async function readPair(options: ServingCertificateOptions): Promise<CertificatePair> {
  const cert = await readPem(options.certFile);
  const key = await readPem(options.keyFile);
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TegError(
      'TEG_LISTEN_FAILED',
      `${options.certFile}, ${options.keyFile}: got ${reason}, expected a certificate and its key in PEM`,
      { cause },
    );
  }
  if (fits) return { cert, key };
  throw new TegError(
    'TEG_LISTEN_FAILED',
    `${options.keyFile}: got the key of another certificate than ${options.certFile}, expected its own`,
  );
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TegError(
      'TEG_LISTEN_FAILED',
      `${path}: ${readFault(cause)}, expected a PEM file (server.tls)`,
      {
        cause,
      },
    );
  }
}
