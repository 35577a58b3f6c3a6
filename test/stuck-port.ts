import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

/** Listens, says where, and stands still until it is told to go on. */
const LISTENER = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen({ host: workerData.host, port: workerData.port, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(workerData.gate), 0, 0);
  });
`;

/**
 * A port whose connections neither succeed nor fail: whoever listens there accepts none, and the queue for it is
 * full, so that the kernel drops what asks. `free` lets it accept; the kernel asks again a second after the first time.
 */
export async function stuckPort(
  t: TestContext,
  { host = '127.0.0.1', port = 0 } = {},
): Promise<{ port: number; free(): void }> {
  const gate = new SharedArrayBuffer(4);
  const worker = new Worker(LISTENER, { eval: true, workerData: { host, port, gate } });
  const free = (): void => {
    Atomics.store(new Int32Array(gate), 0, 1);
    Atomics.notify(new Int32Array(gate), 0);
  };
  const [found] = (await once(worker, 'message')) as [number];
  const filling: Socket[] = [];
  // One more than the backlog fits.
  for (let count = 0; count < 2; count += 1) {
    const socket = connect(found, host);
    socket.on('error', () => {});
    await once(socket, 'connect');
    filling.push(socket);
  }
  t.after(async () => {
    free();
    for (const socket of filling) socket.destroy();
    await worker.terminate();
  });
  return { port: found, free };
}
