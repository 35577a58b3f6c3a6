// Plants one fault in the agent's source before it is loaded: `--import` this, with the fault in PLANT as JSON
// {file, from, to}. Ends the process if the text is not there exactly once, so that no fault is planted by name only.
import { registerHooks } from 'node:module';

const { file, from, to } = JSON.parse(process.env.PLANT);

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(`/agent/${file}`)) return loaded;
    const source = loaded.source.toString();
    if (source.split(from).length !== 2) {
      console.error(`${file} does not hold exactly once: ${from}`);
      process.exit(3);
    }
    return { ...loaded, source: source.replace(from, () => to) };
  },
});
