// Loaded into every test file by scripts/test.ts: one that neither fails nor ends (an open socket, a timer)
// is ended after a while and says what kept it. Node's own --test-timeout ends tests, not files.
const seconds = Number(process.env.VSECM_TEST_FILE_SECONDS);

// The runner's own process loads this too, and has no deadline here.
if (process.env.NODE_TEST_CONTEXT !== undefined && seconds > 0) {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ') || 'nothing';
    process.stderr.write(`not done after ${seconds} s, still open: ${open}\n`);
    process.exit(1);
  }, seconds * 1000).unref();
}
