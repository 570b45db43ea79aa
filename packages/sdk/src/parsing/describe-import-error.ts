import type { ParseFailure } from '@tradewind/protocol';
import { describeThrown } from '../worker/describe-thrown.ts';
import type { PinnedBundle } from './pinned-bundle.ts';
import { sourceExcerpt } from './source-excerpt.ts';

/** Where in a bundle something is wrong; line and column are 1-based. */
interface SourcePlace {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * Says why a file of a bundle could not be imported, and where: the file that holds the mistake, which may be one that the dag file imports.
 * Never throws, whatever the author's code threw.
 */
export function describeImportError(thrown: unknown, bundle: PinnedBundle): ParseFailure {
  const { message, detail } = describeThrown(thrown);
  const place = findPlace(thrown, bundle);
  const text = place?.line === undefined ? undefined : bundle.textOf(place.file);
  return {
    message: `${message}${wayOut(thrown)}`,
    ...place,
    ...(text !== undefined && place?.line !== undefined ? { excerpt: sourceExcerpt(text, place.line, place.column) } : {}),
    ...(detail === undefined ? {} : { stack: withoutInternalFrames(detail) }),
  };
}

function wayOut(thrown: unknown): string {
  switch (codeOf(thrown)) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return '; dag files run by leaving the types out, so write only what needs no compiling (a const object instead of an enum)';
    case 'ERR_MODULE_NOT_FOUND':
      return '; check the spelling, or install the package in the folder of the dag files or one above it';
    default:
      return '';
  }
}

function codeOf(thrown: unknown): unknown {
  return Error.isError(thrown) ? (thrown as NodeJS.ErrnoException).code : undefined;
}

/** The first of these that knows: what Node put before the stack, the import that was not found, the compiler, the stack's frames. */
function findPlace(thrown: unknown, bundle: PinnedBundle): SourcePlace | undefined {
  if (!Error.isError(thrown)) return undefined;
  const stack = String(thrown.stack);
  return (
    placeBeforeStack(stack, bundle) ?? placeOfImport(thrown, bundle) ?? placeOfCompileError(thrown, bundle) ?? placeInFrames(stack, bundle)
  );
}

/** Node starts the stack of an error of the type stripper and of the linker with the place, the lines and, where one line suffices, a caret. */
function placeBeforeStack(stack: string, bundle: PinnedBundle): SourcePlace | undefined {
  const [, url, line] = /^(file:\S+|\/\S+):(\d+)\n/.exec(stack) ?? [];
  const file = url === undefined ? undefined : bundle.fileOf(url);
  if (file === undefined) return undefined;
  const caret = stack.split('\n').find((text) => /^\s*\^+\s*$/.test(text));
  if (caret !== undefined) return { file, line: Number(line), column: caret.indexOf('^') + 1 };
  const text = bundle.textOf(file)?.split('\n')[Number(line) - 1] ?? '';
  return { file, line: Number(line), column: Math.max(0, text.search(/\S/)) + 1 };
}

function placeOfImport(thrown: Error, bundle: PinnedBundle): SourcePlace | undefined {
  if (bundle.lastUnresolved?.error !== thrown) return undefined;
  const { specifier, file } = bundle.lastUnresolved;
  const lines = bundle.textOf(file)?.split('\n') ?? [];
  const index = lines.findIndex((text) => text.includes(`'${specifier}'`) || text.includes(`"${specifier}"`));
  if (index === -1) return { file };
  return { file, line: index + 1, column: (lines[index] ?? '').indexOf(specifier) };
}

/** V8 remembers where it stopped compiling and tells only a debugger. The file is the one that was loaded last. */
function placeOfCompileError(thrown: Error, bundle: PinnedBundle): SourcePlace | undefined {
  const file = [...bundle.loadedFiles].at(-1);
  if (!(thrown instanceof SyntaxError) || file === undefined) return undefined;
  const holder: { thrown?: Error } = {};
  const key = Symbol.for('tradewind.compile-error');
  Object.defineProperty(globalThis, key, { value: holder, configurable: true });
  holder.thrown = thrown;
  const session = new (process.getBuiltinModule('node:inspector').Session)();
  session.connect();
  let place: SourcePlace | undefined;
  session.post('Runtime.evaluate', { expression: `globalThis[Symbol.for('tradewind.compile-error')].thrown` }, (_error, found) => {
    const errorObjectId = found?.result?.objectId;
    if (errorObjectId === undefined) return;
    session.post('Runtime.getExceptionDetails', { errorObjectId }, (_problem, reply) => {
      // Both are 0-based, and -1 where V8 does not know.
      const { exceptionDetails }: ExceptionReply = reply ?? {};
      const { lineNumber = -1, columnNumber = -1 } = exceptionDetails ?? {};
      if (lineNumber >= 0) place = { file, line: lineNumber + 1, column: columnNumber + 1 };
    });
  });
  session.disconnect();
  Reflect.deleteProperty(globalThis, key);
  return place;
}

interface ExceptionReply {
  readonly exceptionDetails?: { readonly lineNumber: number; readonly columnNumber: number };
}

function placeInFrames(stack: string, bundle: PinnedBundle): SourcePlace | undefined {
  for (const [, url, line, column] of stack.matchAll(/(?:\(|at (?:async )?)(file:[^\s)]+|\/[^\s):]+):(\d+):(\d+)\)?$/gm)) {
    const file = url === undefined ? undefined : bundle.fileOf(url);
    if (file !== undefined && !file.includes('node_modules/')) return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}

function withoutInternalFrames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => !/^\s+at .*\bnode:/.test(line))
    .join('\n');
}
