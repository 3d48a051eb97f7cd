// A line that anybody can leave from any place. Pure.
//
// Who leaves is out of it at once and holds nothing any more: neither a place (a bound would count it), nor its message (its closures hold
// that). A Fifo keeps who left until its turn comes.

/** Who can stand in a line; in one at a time. */
export interface InLine {
  before: this | undefined;
  behind: this | undefined;
}

/** First come, first served. */
export class WaitingLine<T extends InLine> {
  #size = 0;
  #first: T | undefined;
  #last: T | undefined;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first;
  }

  push(item: T): void {
    item.before = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.behind = item;
    this.#last = item;
    this.#size += 1;
  }

  /** Takes out one that stands in it. */
  remove(item: T): void {
    const { before, behind } = item;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    item.before = item.behind = undefined;
    this.#size -= 1;
  }
}
