/** A number in [0, 1). Handed to whatever draws one, so that whoever runs the agent decides what comes out. */
export type Random = () => number;

/** The machine's chance. */
export const systemRandom: Random = Math.random;
