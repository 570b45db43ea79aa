/**
 * Which file a dag belongs to when several define it: the first by path, whatever the order in which they are read, so that it never
 * alternates (fault G9).
 */
export class DagOwners {
  readonly #filesByDag = new Map<string, Set<string>>();

  /**
   * Notes the dags that a file defines now.
   * @returns `taken`: dags of the file that belong to another one. `toRead`: other files that have to be read again, because a dag of theirs
   * came to belong to this file, or no longer does.
   */
  claim(file: string, dagIds: readonly string[]): { readonly taken: ReadonlyMap<string, string>; readonly toRead: readonly string[] } {
    const toRead = new Set<string>();
    for (const [dagId, files] of this.#filesByDag) {
      if (files.has(file) && !dagIds.includes(dagId)) this.#release(dagId, file, toRead);
    }
    const taken = new Map<string, string>();
    for (const dagId of dagIds) {
      const owner = this.#add(dagId, file, toRead);
      if (owner !== file) taken.set(dagId, owner);
    }
    return { taken, toRead: [...toRead].toSorted() };
  }

  #release(dagId: string, file: string, toRead: Set<string>): void {
    const files = this.#filesByDag.get(dagId);
    files?.delete(file);
    if (files === undefined || files.size === 0) {
      this.#filesByDag.delete(dagId);
      return;
    }
    const heir = firstOf(files);
    if (file < heir) toRead.add(heir);
  }

  #add(dagId: string, file: string, toRead: Set<string>): string {
    const files = this.#filesByDag.get(dagId) ?? new Set<string>();
    this.#filesByDag.set(dagId, files);
    const before = files.size === 0 ? undefined : firstOf(files);
    files.add(file);
    const owner = firstOf(files);
    if (before !== undefined && before !== owner) toRead.add(before);
    return owner;
  }
}

function firstOf(files: ReadonlySet<string>): string {
  return [...files].reduce((first, file) => (file < first ? file : first));
}
