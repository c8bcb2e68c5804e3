/** Credentials of the processes of a control plane, and the kubeconfig of its administrator. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWholeFile } from './whole-file.ts';

/**
 * Writes the keys of service accounts (`sa.key`, `sa.pub`) and the administrator's token (`tokens.csv`), unless they
 * are there from an earlier run in the same folder.
 *
 * @returns The token.
 */
export function ensureCredentials(folder: string): string {
  if (existsSync(join(folder, 'tokens.csv'))) {
    return readFileSync(join(folder, 'tokens.csv'), 'utf8').split(',')[0] as string;
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const token = randomBytes(24).toString('hex');
  writeWholeFile(join(folder, 'sa.key'), privateKey, 0o600);
  writeWholeFile(join(folder, 'sa.pub'), publicKey, 0o644);
  // Last: if it exists, the others do.
  writeWholeFile(join(folder, 'tokens.csv'), `${token},admin,admin,"system:masters"\n`, 0o600);
  return token;
}

/**
 * A kubeconfig with a bearer token, trusting the API server's self-signed certificate.
 *
 * @param certificateFile PEM, with its own authority at the end.
 * @param namespace Of requests that name none.
 */
export function kubeconfigText(
  server: string,
  certificateFile: string,
  token: string,
  namespace = 'default',
): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'teg',
    clusters: [
      {
        name: 'teg',
        cluster: { server, 'certificate-authority-data': readFileSync(certificateFile).toString('base64') },
      },
    ],
    users: [{ name: 'teg', user: { token } }],
    contexts: [{ name: 'teg', context: { cluster: 'teg', user: 'teg', namespace } }],
  };
  // JSON is YAML.
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
