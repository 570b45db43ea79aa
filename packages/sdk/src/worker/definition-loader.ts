import type { CodeLocation, ParseFailure } from '@tradewind/protocol';
import type { DagDefinition } from '../authoring/definition.ts';
import { collectDags } from '../parsing/collect-dags.ts';
import { describeImportError } from '../parsing/describe-import-error.ts';
import { pinBundle, type PinnedBundle } from '../parsing/pinned-bundle.ts';
import { describeThrown } from './describe-thrown.ts';

/** A dag with its functions, or why it cannot be had. */
export type LoadedDefinition =
  | { readonly found: true; readonly dag: DagDefinition }
  | { readonly found: false; readonly message: string; readonly detail?: string };

/**
 * Returns a function that finds a dag in the file that defines it: it imports the file once and answers from memory after that. The process belongs to the bundle version of the
 * first call; a call for another one is refused. Never rejects.
 */
export function createDefinitionLoader(): (code: CodeLocation, dagId: string) => Promise<LoadedDefinition> {
  let bundle: PinnedBundle | undefined;
  const dagsByFile = new Map<string, Promise<DagDefinition[]>>();

  return async (code, dagId) => {
    try {
      bundle ??= pinBundle(code);
    } catch (error) {
      return notFound(describeThrown(error).message);
    }
    if (bundle.bundleVersion !== code.bundleVersion) {
      return notFound(`this process is bound to bundle version ${bundle.bundleVersion} and was asked for ${code.bundleVersion}`);
    }
    const dags = dagsByFile.get(code.file) ?? importDags(code.file, bundle);
    dagsByFile.set(code.file, dags);
    try {
      const dag = (await dags).find((one) => one.dagId === dagId);
      if (dag !== undefined) return { found: true, dag };
      return notFound(`${code.file} exports no dag "${dagId}" when it is imported here; a dag file must define the same dags each time`);
    } catch (error) {
      return notFound(...describeFailure(describeImportError(error, bundle)));
    }
  };
}

async function importDags(file: string, bundle: PinnedBundle): Promise<DagDefinition[]> {
  return collectDags((await import(bundle.urlOf(file))) as object);
}

function describeFailure({ message, file, line, column, excerpt, stack }: ParseFailure): [string, string | undefined] {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const detail = [excerpt, stack].filter((part) => part !== undefined).join('\n\n');
  return [place === '' ? message : `${place}: ${message}`, detail === '' ? undefined : detail];
}

function notFound(message: string, detail?: string): LoadedDefinition {
  return { found: false, message, ...(detail === undefined ? {} : { detail }) };
}
