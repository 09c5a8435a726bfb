import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isStream } from './streams.ts';

/** Keeps the answers that are under way, by their socket, and sees to it that each closes with it. */
export function keepAnswers(server: Server): { cutStreams(): void } {
  const open = new Map<Duplex, Set<ServerResponse>>();

  server.on('connection', (socket: Duplex) => {
    // One that offered an upgrade comes by twice.
    if (open.has(socket)) return;
    const answers = new Set<ServerResponse>();
    open.set(socket, answers);
    socket.once('close', () => {
      open.delete(socket);
      // Node closes the answer whose turn it is; those queued behind it have no socket yet and would hold on for good.
      for (const res of answers) if (!res.socket) res.destroy().emit('close');
    });
  });
  server.on('request', (req, res) => {
    const answers = open.get(req.socket);
    answers?.add(res);
    res.once('close', () => answers?.delete(res));
  });

  return {
    cutStreams() {
      for (const answers of open.values()) for (const res of answers) if (isStream(res)) res.destroy();
    },
  };
}
