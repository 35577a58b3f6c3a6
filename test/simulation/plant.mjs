// Plants a fault in the agent's source before it is loaded: `--import` this, with its edits in PLANT as JSON
// [{file, from, to}]. Ends the process if a text is not there exactly once, so that no fault is planted by name only.
import { registerHooks } from 'node:module';

const edits = JSON.parse(process.env.PLANT);

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const here = edits.filter(({ file }) => url.endsWith(`/agent/${file}`));
    if (here.length === 0) return loaded;
    let source = loaded.source.toString();
    for (const { file, from, to } of here) {
      if (source.split(from).length !== 2) {
        console.error(`${file} does not hold exactly once: ${from}`);
        process.exit(3);
      }
      source = source.replace(from, () => to);
    }
    return { ...loaded, source };
  },
});
