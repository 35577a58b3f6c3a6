import { KubeError } from './error.ts';

const LARGEST_STATUS_BYTES = 1024 * 1024;

/** Proxies answer with HTML, and a Status may be cut off: then the HTTP status has to do. */
export async function readStatus(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  try {
    return JSON.parse(await readText(body, LARGEST_STATUS_BYTES));
  } catch {
    return undefined;
  }
}

/** @throws KubeError `TooLarge` beyond `most` bytes */
export async function readText(body: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw new KubeError(0, { code: 'TooLarge' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws KubeError `Malformed` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes its input.
    throw new KubeError(0, { code: 'Malformed' });
  }
}
