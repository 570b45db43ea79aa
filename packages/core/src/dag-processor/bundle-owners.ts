import { DagOwners } from './dag-owners.ts';

/** Which dags of a bundle's files are theirs. */
export interface DagClaims {
  /**
   * Notes the dags that a file of the bundle defines now.
   * @returns `taken`: dags of the file that belong to another one, each with that one and why. `toRead`: other files of the bundle that have to be read again.
   */
  claim(file: string, dagIds: readonly string[]): { readonly taken: ReadonlyMap<string, string>; readonly toRead: readonly string[] };
}

/** A bundle among others. */
interface Member {
  readonly bundleName: string;
  readonly onToRead: (files: readonly string[]) => void;
}

/** Long enough for any number of bundles, so that ranks compare as text does. */
const RANK_DIGITS = 6;

/**
 * Which bundle a dag belongs to when several define it: the one that was added first, and within it the first file by path. The order in which files happen to
 * be read says nothing.
 */
export class BundleOwners {
  readonly #owners = new DagOwners();
  readonly #members: Member[] = [];

  /**
   * Adds a bundle behind those that were added before.
   * @param onToRead hears of its files that have to be read again because of what another bundle defines
   */
  add(bundleName: string, onToRead: (files: readonly string[]) => void = () => {}): DagClaims {
    const rank = this.#members.length;
    this.#members.push({ bundleName, onToRead });
    return {
      claim: (file, dagIds) => {
        const { taken, toRead } = this.#owners.claim(keyOf(rank, file), dagIds);
        const files = Map.groupBy(toRead.map(readKey), (each) => each.rank);
        for (const [other, places] of files) if (other !== rank) this.#members[other]?.onToRead(places.map((place) => place.file));
        return {
          taken: new Map([...taken].map(([dagId, owner]) => [dagId, this.#describe(rank, owner)])),
          toRead: (files.get(rank) ?? []).map((place) => place.file),
        };
      },
    };
  }

  #describe(rank: number, owner: string): string {
    const { rank: other, file } = readKey(owner);
    if (other === rank) return `${file}, which comes first by name and wins`;
    return `${file} of bundle "${this.#members[other]?.bundleName ?? ''}", which comes first in the configuration and wins`;
  }
}

function keyOf(rank: number, file: string): string {
  return `${String(rank).padStart(RANK_DIGITS, '0')}${file}`;
}

function readKey(key: string): { readonly rank: number; readonly file: string } {
  return { rank: Number(key.slice(0, RANK_DIGITS)), file: key.slice(RANK_DIGITS) };
}
