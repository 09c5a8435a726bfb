import type { IncomingMessage } from 'node:http';
import { CloseCode, type Server as Protocol } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../logger.ts';

export interface Extra {
  socket: WebSocket;
  request: IncomingMessage;
  /** To be called when it has said who it is. */
  greeted: () => void;
}

/** What may wait for a client that does not read; past it, it is told to come back later. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024;
export const TRY_AGAIN_LATER = 1013;

/** A close frame has room for so much. */
const MAX_REASON_BYTES = 123;

/** Speaks the protocol on one WebSocket, until either side closes it or its peer is found dead. */
export function openSocket(
  protocol: Protocol<Extra>,
  extra: Extra,
  { pingMs, log }: { pingMs: number; log: Logger },
): void {
  const { socket } = extra;
  // What was wrong is in the code that `ws` closes with, as 1009 for a message that is too long.
  socket.on('error', (error) => log.info({ err: error }, 'a WebSocket failed'));
  const stopPinging = cutWhenDead(socket, pingMs);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send(text) {
        if (socket.bufferedAmount > MOST_UNREAD_BYTES) {
          closeWith(socket, TRY_AGAIN_LATER, 'Too slow: reconnect and resume');
        }
        // A socket that failed closes by itself, which ends whatever still wants to send.
        return new Promise((resolve) => socket.send(text, () => resolve()));
      },
      close: (code, reason) => closeWith(socket, code ?? CloseCode.InternalServerError, reason ?? ''),
      onMessage(take) {
        socket.on('message', (data, isBinary) => {
          // Nothing more is done for whom we said goodbye to.
          if (socket.readyState !== socket.OPEN) return;
          if (isBinary) return closeWith(socket, CloseCode.BadRequest, 'Send text frames');
          take(String(data)).catch((error: unknown) => failed(error));
        });
      },
    },
    extra,
  );
  socket.once('close', (code, reason) => {
    stopPinging();
    closed(code, String(reason)).catch((error: unknown) =>
      log.error({ err: error }, 'a WebSocket did not end cleanly'),
    );
  });

  function failed(error: unknown): void {
    // The library throws at messages that only a server sends.
    const isTheirs = error instanceof Error && error.message.startsWith('Unexpected message');
    if (!isTheirs) log.error({ err: error }, 'a message of a WebSocket failed');
    if (isTheirs) closeWith(socket, CloseCode.BadRequest, 'Only a server sends messages of this type');
    else closeWith(socket, CloseCode.InternalServerError, 'Internal server error');
  }
}

export function closeWith(socket: WebSocket, code: number, reason: string): void {
  // The library repeats ids, which are as long as the client likes.
  socket.close(code, Buffer.byteLength(reason) > MAX_REASON_BYTES ? '' : reason);
}

/** TCP alone finds out after a quarter of an hour that nobody is there. */
function cutWhenDead(socket: WebSocket, pingMs: number): () => void {
  let isAlive = true;
  const hear = () => {
    isAlive = true;
  };
  socket.on('pong', hear);
  socket.on('message', hear);
  const timer = setInterval(() => {
    if (isAlive) {
      isAlive = false;
      socket.ping();
      return;
    }
    // What came in while this process was busy is read first.
    setImmediate(() => {
      if (!isAlive) socket.terminate();
    });
  }, pingMs);
  return () => clearInterval(timer);
}
