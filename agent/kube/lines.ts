import { KubeError } from './error.ts';

/**
 * A line may hold one object. etcd stores at most 1.5 MiB of one, its JSON with every character escaped is six times
 * that; what is longer is not a watch.
 */
export const LONGEST_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Splits a stream into its lines, whatever the borders of its chunks. Only whole lines are decoded, so a character
 * of several bytes may be cut anywhere.
 * @throws KubeError `TooLarge` for a line beyond `longest` bytes, `CutOff` if the last line has no end.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  longest: number = LONGEST_LINE_BYTES,
): AsyncGenerator<string, void, undefined> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const rest = chunk.subarray(start, end);
      if (heldBytes + rest.length > longest) throw new KubeError(0, { code: 'TooLarge' });
      yield decode(heldBytes === 0 ? rest : Buffer.concat([...held, rest]));
      held = [];
      heldBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    held.push(chunk.subarray(start));
    heldBytes += chunk.length - start;
    if (heldBytes > longest) throw new KubeError(0, { code: 'TooLarge' });
  }
  if (heldBytes > 0) throw new KubeError(0, { code: 'CutOff' });
}

const NEWLINE = 0x0a;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const decode = (bytes: Uint8Array): string => decoder.decode(bytes);
