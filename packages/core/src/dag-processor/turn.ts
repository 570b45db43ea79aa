/** Does one thing after the other: what must not happen at the same time is given the same turn. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves when everything that was begun so far is over, however it ended. */
  get over(): Promise<unknown> {
    return this.#last;
  }

  /** Does the work when everything before it is over. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
