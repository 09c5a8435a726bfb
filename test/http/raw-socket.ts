import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from '../service/until.ts';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** A WebSocket client of bare bytes: it sends what no client would, and answers nothing but pings by itself. */
export class RawSocket {
  readonly socket: Socket;
  /** The head of the answer to the handshake. */
  head = '';
  readonly messages: { type: string; id?: string; payload?: unknown }[] = [];
  closedWith: number | null = null;
  pings = 0;
  private bytes = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.read(chunk));
  }

  static async open(url: string, protocol = 'graphql-transport-ws'): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    const raw = new RawSocket(socket);
    socket.write(
      `GET /graphql HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
    await until(
      () => raw.head,
      (head) => head !== '',
    );
    return raw;
  }

  send(message: unknown): void {
    this.frame(TEXT, Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
  }

  sendBinary(message: unknown): void {
    this.frame(BINARY, Buffer.from(JSON.stringify(message)));
  }

  /** The code that it was closed with; 0 when it was cut without one. */
  async closed(withinMs?: number): Promise<number> {
    await until(
      () => this.closedWith !== null || this.socket.closed,
      (over) => over,
      withinMs,
    );
    return this.closedWith ?? 0;
  }

  async received(count: number, withinMs?: number): Promise<RawSocket['messages']> {
    return until(
      () => this.messages,
      (messages) => messages.length >= count,
      withinMs,
    );
  }

  /** Masked, as a client must, with a mask of zeros. */
  private frame(opcode: number, payload: Buffer): void {
    const { length } = payload;
    const size = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
    if (size.length === 2) size.writeUInt16BE(length);
    if (size.length === 8) size.writeBigUInt64BE(BigInt(length));
    const short = size.length === 0 ? length : size.length === 2 ? 126 : 127;
    this.socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | short]), size, Buffer.alloc(4), payload]));
  }

  private read(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    const end = this.bytes.indexOf('\r\n\r\n');
    if (this.head === '' && end === -1) return;
    if (this.head === '') {
      this.head = this.bytes.subarray(0, end).toString();
      this.bytes = this.bytes.subarray(end + 4);
    }
    for (let size = this.take(); size > 0; size = this.take()) this.bytes = this.bytes.subarray(size);
  }

  /** Reads one whole frame, and gives its size; 0 when it is not there yet. */
  private take(): number {
    if (this.bytes.length < 2) return 0;
    const short = (this.bytes[1] ?? 0) & 0x7f;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (this.bytes.length < start) return 0;
    const length =
      short === 127 ? Number(this.bytes.readBigUInt64BE(2)) : short === 126 ? this.bytes.readUInt16BE(2) : short;
    if (this.bytes.length < start + length) return 0;
    const payload = this.bytes.subarray(start, start + length);
    const opcode = (this.bytes[0] ?? 0) & 0x0f;
    if (opcode === TEXT) this.messages.push(JSON.parse(payload.toString()));
    if (opcode === CLOSE) this.closedWith = payload.readUInt16BE(0);
    if (opcode === PING) {
      this.pings += 1;
      this.frame(PONG, payload);
    }
    return start + length;
  }
}
