import type { IncomingMessage, ServerResponse } from 'node:http';

/** Takes a read of secrets out of Safe's hands. `body` is what Safe would have said with status 200, if anything. */
export type Fault = (response: ServerResponse, body: string | undefined, request: IncomingMessage) => void;

/** A status, with headers such as `retry-after` or `location`. */
export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Fault =>
  (response) =>
    response.writeHead(code, headers).end(body);

/** A 200 with this body instead of Safe's. */
export const body =
  (text: string | Buffer): Fault =>
  (response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(text);

/** Never an answer. */
export const hang = (): Fault => () => {};

/** Status and half of the body, then nothing. */
export const stall =
  (): Fault =>
  (response, text = '') => {
    response.writeHead(200, { 'content-type': 'text/plain' }).write(text.slice(0, text.length / 2) || ' ');
  };

/** The whole answer, this much later. */
export const slow =
  (ms: number): Fault =>
  (response, text = '') => {
    const timer = setTimeout(() => response.end(text), ms);
    response.on('close', () => clearTimeout(timer));
  };

/** Half of the body, then the connection breaks off. With a length the client was told how much to expect. */
export const cutOff =
  (withLength = false): Fault =>
  (response, text = '') => {
    response.writeHead(200, withLength ? { 'content-length': Buffer.byteLength(text) } : {});
    response.write(text.slice(0, text.length / 2), () => response.socket?.destroy());
  };

/** The connection breaks off without an answer, though not before the TLS tickets that end the handshake have left. */
export const drop = (): Fault => (response) => {
  setImmediate(() => response.socket?.destroy());
};

/** A body of this many bytes in pieces, without a length; `onPiece` hears how many were written. */
export const large =
  (bytes: number, onPiece: (written: number) => void = () => {}): Fault =>
  (response) => {
    const piece = Buffer.alloc(16_384, ' ');
    let written = 0;
    response.writeHead(200, { 'content-type': 'text/plain' });
    const more = (): void => {
      while (written < bytes && !response.destroyed) {
        written += piece.byteLength;
        onPiece(written);
        if (!response.write(piece)) return void response.once('drain', more);
      }
      if (!response.destroyed) response.end();
    };
    more();
  };

/** A 200 without a body. */
export const empty = (): Fault => (response) => response.writeHead(200).end();
