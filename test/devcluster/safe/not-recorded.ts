/** A test asks the development Safe for something of which nobody has seen what the real one does. */
export class NotRecorded extends Error {
  override readonly name = 'NotRecorded';

  constructor(what: string) {
    super(`the development Safe does not know what VSecM Safe does with ${what}`);
  }
}
