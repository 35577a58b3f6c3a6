import { hunt, type Hunt } from './hunt.ts';

// Hunts as PREY says, and prints how many worlds it took; the agent may have a fault planted in it.
const found = await hunt(JSON.parse(process.env['PREY'] ?? '') as Hunt);
console.log(JSON.stringify({ tried: found?.tried }));
process.exit(0);
