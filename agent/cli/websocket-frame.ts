import { randomBytes } from 'node:crypto';
import { KubeError } from '../kube/error.ts';

/** Opcodes of RFC 6455. */
export const CONTINUATION = 0x0;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

export const LONGEST_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface Frame {
  final: boolean;
  opcode: number;
  payload: Buffer;
  /** Of the whole frame. */
  bytes: number;
}

/** The first frame in `data`, as a server sends it (unmasked); undefined while it is not whole. */
export function parseFrame(data: Buffer): Frame | undefined {
  if (data.length < 2) return undefined;
  const [first, second] = [data[0]!, data[1]!];
  if ((second & 0x80) !== 0) throw new KubeError(0, { code: 'Malformed' });
  const short = second & 0x7f;
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (data.length < start) return undefined;
  const length =
    short === 127 ? Number(data.readBigUInt64BE(2)) : short === 126 ? data.readUInt16BE(2) : short;
  if (length > LONGEST_MESSAGE_BYTES) throw new KubeError(0, { code: 'TooLarge' });
  if (data.length < start + length) return undefined;
  const payload = data.subarray(start, start + length);
  return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload, bytes: start + length };
}

/** A whole frame as a client must send it. */
export function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size = length > 0xffff ? 8 : length > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + size);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (size === 8 ? 127 : size === 2 ? 126 : length);
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (size === 2) head.writeUInt16BE(length, 2);
  const mask = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let index = 0; index < masked.length; index++) masked[index]! ^= mask[index & 3]!;
  return Buffer.concat([head, mask, masked]);
}
