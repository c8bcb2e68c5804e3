/** Questions to a running guard and their answers: one line of JSON each, over a socket in the state folder. */
import { existsSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { TegError } from '../../model/errors.ts';

/** What can be asked. */
export interface ControlRequest {
  readonly op: 'status' | 'events' | 'freeze' | 'thaw' | 'undo';
  readonly group?: string;
  /** Of `events`: number of the first one wanted. */
  readonly from?: number;
}

const REQUEST_CHARS_MAX = 16_384;
const ANSWER_CHARS_MAX = 16 * 1024 * 1024;
const CONNECTIONS_MAX = 16;
const TIMEOUT_MS = 2000;

/** @returns The socket of a state folder. */
export function controlPath(stateFolder: string): string {
  return `${stateFolder}/control.sock`;
}

/** Answers questions on a socket that only its owner may open. */
export class ControlServer {
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  /**
   * @param answer May throw a TegError, which the asker gets.
   * @throws TegError TEG_GUARD_RUNNING: somebody answers on that socket already.
   */
  static async listen(path: string, answer: (request: ControlRequest) => unknown): Promise<ControlServer> {
    if (existsSync(path)) {
      const isTaken = await ask(path, { op: 'status' }).then(
        () => true,
        () => false,
      );
      if (isTaken) {
        throw new TegError(
          'TEG_GUARD_RUNNING',
          `got ${path}, on which a guard answers, expected a state folder of its own: stop the other one, or set stateFolder`,
        );
      }
      rmSync(path);
    }
    const server = createServer((socket) => serve(socket, answer));
    server.maxConnections = CONNECTIONS_MAX;
    const umask = process.umask(0o177);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    }).finally(() => process.umask(umask));
    return new ControlServer(server);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

function serve(socket: Socket, answer: (request: ControlRequest) => unknown): void {
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > REQUEST_CHARS_MAX) socket.destroy();
    else if (text.endsWith('\n')) socket.end(`${JSON.stringify(answerOf(text, answer))}\n`);
  });
}

function answerOf(text: string, answer: (request: ControlRequest) => unknown): unknown {
  try {
    return { result: answer(JSON.parse(text)) };
  } catch (error) {
    if (error instanceof TegError) return { code: error.code, error: error.message };
    return { code: 'TEG_OPTION_INVALID', error: `got a question that has no answer: ${String(error)}` };
  }
}

/**
 * Asks a guard.
 *
 * @throws TegError TEG_GUARD_NOT_RUNNING; the error that the guard answers with.
 */
export async function ask(path: string, request: ControlRequest): Promise<unknown> {
  const socket = createConnection(path);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
  socket.setEncoding('utf8');
  let text = '';
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const chunk of socket) {
      text += chunk;
      if (text.length > ANSWER_CHARS_MAX) throw new Error('the answer is too long');
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TegError(
      'TEG_GUARD_NOT_RUNNING',
      `got no answer on ${path} (${why}), expected a running guard: start one with teg guard run`,
      { cause },
    );
  } finally {
    socket.destroy();
  }
  const reply = JSON.parse(text) as { result?: unknown; code?: TegError['code']; error?: string };
  if (reply.code !== undefined) throw new TegError(reply.code, reply.error ?? '');
  return reply.result;
}
