/** The bundle of the environment's own folder of dag files; Airflow's name for it. */
export const DEFAULT_BUNDLE = 'dags-folder';

/** A file of a bundle, as the store names it. */
export interface BundleFile {
  readonly bundleName: string;
  /** Of a git bundle: the folder of the repository that is the bundle, `''` for all of it. Undefined for folders. */
  readonly subfolder?: string | undefined;
  /** Relative to the bundle's folder, with `/` between its parts. */
  readonly file: string;
}

/** No path within a folder has an empty part, so two strokes can stand between what is not a path and what is. */
const SEPARATOR = '//';
/** Stands for no subfolder: a part that has nothing in it could not be told from none at all. */
const WHOLE = '.';

/**
 * The one text that names a file among those of all bundles: the path itself in the folder of dag files, `<bundle>//<path>` in another folder,
 * `<bundle>//<subfolder>//<path>` in a git repository. It says by itself where a version of a file lies, also after the bundle was configured anew.
 */
export function writeBundleFile({ bundleName, subfolder, file }: BundleFile): string {
  if (bundleName === DEFAULT_BUNDLE) return file;
  return [bundleName, ...(subfolder === undefined ? [] : [subfolder === '' ? WHOLE : subfolder]), file].join(SEPARATOR);
}

/** Reads what `writeBundleFile` wrote. */
export function readBundleFile(text: string): BundleFile {
  const [first = '', second, third] = text.split(SEPARATOR);
  if (second === undefined) return { bundleName: DEFAULT_BUNDLE, file: first };
  if (third === undefined) return { bundleName: first, file: second };
  return { bundleName: first, subfolder: second === WHOLE ? '' : second, file: third };
}
