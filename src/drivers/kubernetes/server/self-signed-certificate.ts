/**
 * A self-signed X.509 certificate for an HTTPS server, made at start when none is given.
 *
 * Why by hand: Node.js makes keys and signatures but no certificates, and the libraries that do bring a dozen packages for
 * the little DER below. ECDSA P-256 with SHA-256; not an authority.
 *
 * @source RFC 5280 §4.1 (certificate), §4.2.1.6 (names); RFC 5758 §3.2 (ecdsa-with-SHA256); X.690 §10 (DER).
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its key, PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const BOOLEAN = 0x01;
const TRUE = Buffer.from([BOOLEAN, 1, 0xff]);

/** Longest name in a subject. */
const COMMON_NAME_CHARS_MAX = 64;

/** One element: tag, length, content. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

/** An object identifier from its numbers. */
function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift(0x80 | (left & 0x7f));
    bytes.push(...groups);
  }
  return der(OBJECT_ID, Buffer.from(bytes));
}

const ECDSA_WITH_SHA256 = der(SEQUENCE, objectId('1.2.840.10045.4.3.2'));

/** A name of one part, the common name. */
function nameOf(commonName: string): Buffer {
  const value = der(UTF8_STRING, Buffer.from(commonName.slice(0, COMMON_NAME_CHARS_MAX)));
  return der(SEQUENCE, der(SET, der(SEQUENCE, objectId('2.5.4.3'), value)));
}

/** UTCTime until 2049, GeneralizedTime from 2050 on. */
function timeOf(seconds: number): Buffer {
  const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');
  const short = Number(digits.slice(0, 4)) < 2050;
  return short ? der(UTC_TIME, Buffer.from(digits.slice(2))) : der(GENERALIZED_TIME, Buffer.from(digits));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const parts = [objectId(id), ...(critical ? [TRUE] : []), der(OCTET_STRING, value)];
  return der(SEQUENCE, ...parts);
}

/** DNS names and addresses as alternatives. */
function alternativesOf(hosts: readonly string[]): Buffer {
  return der(
    SEQUENCE,
    ...hosts.map((host) => (isIP(host) === 0 ? der(0x82, Buffer.from(host)) : der(0x87, addressBytes(host)))),
  );
}

/** @returns 4 or 16 bytes of an IP address. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes every form of an IPv6 address, dotted ends and all, in plain hexadecimal groups.
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(
    groups.flatMap((group) => {
      const number = Number.parseInt(group, 16);
      return [number >> 8, number & 0xff];
    }),
  );
}

/**
 * Makes a key and a certificate for it.
 *
 * @param hosts       DNS names and IP addresses it is for; at least one.
 * @param fromSeconds Valid from, seconds since 1970.
 * @param days        Validity in days.
 */
export function makeSelfSignedCertificate(
  hosts: readonly string[],
  fromSeconds: number,
  days: number,
): CertificatePair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(16);
  // Positive, and no leading zero byte.
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  const name = nameOf(hosts[0] ?? 'teg');
  const extensions = der(
    SEQUENCE,
    extension('2.5.29.19', true, der(SEQUENCE)),
    extension('2.5.29.15', true, der(BIT_STRING, Buffer.from([7, 0x80]))),
    extension('2.5.29.37', false, der(SEQUENCE, objectId('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', false, alternativesOf(hosts)),
  );
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serial),
    ECDSA_WITH_SHA256,
    name,
    der(SEQUENCE, timeOf(fromSeconds), timeOf(fromSeconds + days * 86_400)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', body, privateKey);
  const whole = der(SEQUENCE, body, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
