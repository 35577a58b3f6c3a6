import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SocketAddress } from './socket-address.ts';

/**
 * Whether the folder of a Unix socket is mounted but was removed on the node: it has no name there any more, so no
 * socket will ever appear in it. Seen when SPIRE's folder is made anew under running pods; the mount follows the
 * old folder, and only a new pod gets the new one. False also where the process may not look.
 */
export async function isOrphaned(address: SocketAddress): Promise<boolean> {
  if (!('path' in address)) return false;
  try {
    return (await stat(dirname(address.path))).nlink === 0;
  } catch {
    return false;
  }
}
