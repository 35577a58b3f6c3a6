#!/usr/bin/env node
import { text } from 'node:stream/consumers';
import { run } from './run.ts';
import { processTerminal } from './terminal.ts';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
// The reader of a pipe went away, such as `| head`: it has what it wanted.
process.stdout.on('error', () => process.exit(0));

const code = await run(process.argv.slice(2), {
  terminal: processTerminal(),
  stdin: () => text(process.stdin),
  signal: stop.signal,
});
// Connections that are kept alive must not keep the process.
process.exit(code);
