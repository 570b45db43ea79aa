/**
 * Which content each file of a bundle has at one version. The manifest lies at `bundles/versions/<bundle version>.json` of the state folder,
 * the contents beside it at `bundles/objects/<sha256>`, so that a run finds the text of its own version whatever has become of the files.
 */
export interface BundleManifest {
  readonly bundleVersion: string;
  /** sha256 of the content (hex) by path relative to the bundle's folder, with `/` between its parts. */
  readonly files: Readonly<Record<string, string>>;
}

/** Where a content lies, relative to the folder of the manifest that names it. */
export function bundleObjectPath(sha256: string): string {
  return `../objects/${sha256}`;
}
