/** Work that pauses now and then, where others may have their turn. */
export type InPieces<Result> = Generator<undefined, Result, undefined>;

/** Does such work without a pause. */
export function atOnce<Result>(work: InPieces<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
