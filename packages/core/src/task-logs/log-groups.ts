import { GROUP_START } from './log-line.ts';

/** A group of lines, its markers included. */
export interface LogGroup {
  readonly name: string;
  /** Line of its beginning. */
  readonly from: number;
  /** Line of its end; null while it is open. */
  readonly to: number | null;
  /** Place of the group around it in the list; null for none. */
  readonly parent: number | null;
}

/** What is known of the groups of a log up to a line. */
export interface GroupState {
  /** By their beginnings. */
  readonly groups: readonly LogGroup[];
  /** Places of the groups that are open, the outermost first; null for one that is not kept. */
  readonly open: readonly (number | null)[];
  /** How many more began inside of the deepest one that is noted. */
  readonly excess: number;
}

/** A task that begins a group for every line must not make its index as long as its log. */
export const MAX_GROUPS = 10_000;
const MAX_DEPTH = 100;
const MAX_NAME_LENGTH = 200;

/** Follows the markers of a log from a state on. */
export class GroupTracker {
  readonly #groups: LogGroup[];
  readonly #open: (number | null)[];
  #excess: number;

  constructor({ groups, open, excess }: GroupState) {
    this.#groups = [...groups];
    this.#open = [...open];
    this.#excess = excess;
  }

  get state(): GroupState {
    return { groups: this.#groups, open: this.#open, excess: this.#excess };
  }

  /** Takes a marker over; an end without a beginning counts for nothing. */
  observe(line: number, marker: string): void {
    if (marker.startsWith(GROUP_START)) this.#begin(line, marker.slice(GROUP_START.length).trim().slice(0, MAX_NAME_LENGTH));
    else this.#end(line);
  }

  #begin(line: number, name: string): void {
    // What is not kept is still counted, so that its end does not close another one.
    if (this.#open.length >= MAX_DEPTH) {
      this.#excess += 1;
      return;
    }
    const isKept = this.#groups.length < MAX_GROUPS;
    const parent = this.#open.findLast((place) => place !== null) ?? null;
    this.#open.push(isKept ? this.#groups.length : null);
    if (isKept) this.#groups.push({ name: name.toWellFormed(), from: line, to: null, parent });
  }

  #end(line: number): void {
    if (this.#excess > 0) {
      this.#excess -= 1;
      return;
    }
    const place = this.#open.pop();
    const group = typeof place === 'number' ? this.#groups[place] : undefined;
    if (group !== undefined && typeof place === 'number') this.#groups[place] = { ...group, to: line };
  }
}

/** The innermost group that a line is in. */
export function groupAt(groups: readonly LogGroup[], line: number): LogGroup | undefined {
  let low = 0;
  let high = groups.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((groups[middle]?.from ?? 0) <= line) low = middle + 1;
    else high = middle;
  }
  // Groups stand in groups, so whatever holds the line is the last one that began before it, or is around that one.
  let candidate = groups[low - 1];
  while (candidate?.to != null && candidate.to < line) candidate = candidate.parent === null ? undefined : groups[candidate.parent];
  return candidate;
}
