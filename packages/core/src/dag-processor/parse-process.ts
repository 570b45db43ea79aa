import type { Readable } from 'node:stream';
import {
  createFrameReader,
  encodeFrame,
  RECORD_SEPARATOR,
  type CodeLocation,
  type ParseReply,
  type ParseRequest,
  type TimetableAnswer,
  type TimetableQuestion,
} from '@tradewind/protocol';
import { parseReplySchema, timetableAnswerSchema } from '@tradewind/protocol/schemas';
import { z } from 'zod';
import { startAuthorProcess, type AuthorProcess, type ChildProcessSettings, type ProcessEnd } from '../platform/child-process.ts';
import { messageOf } from '../platform/errors.ts';

/** How a dag file is read. */
export interface ParseProcessOptions extends ChildProcessSettings {
  /** The file that the process runs, as `authorEntry` finds it. */
  readonly entry: string;
  /** After this the process is ended, whatever it does. */
  readonly timeoutMs: number;
  /** A process that runs `entry` already and was asked nothing yet. @default one is started */
  readonly prestarted?: AuthorProcess | undefined;
}

/** An answered process that does not leave is ended after this. */
const LEAVE_MS = 1_000;
/** What is kept of what a file prints: its beginning, and its end, where a crash says why. */
const KEPT_CHARACTERS = 4_096;

/**
 * Reads one dag file in a process of its own, which is gone with everything in its process group when this resolves. Never rejects: whatever
 * the file does is a reply, and what it prints comes back as warnings. The dags in the reply are unchecked.
 * @param signal ends the reading early; the reply is then a failure that nobody wants
 */
export function parseDagFile(code: CodeLocation, options: ParseProcessOptions, signal: AbortSignal): Promise<ParseReply> {
  return askParseProcess({ code }, { options, schema: parseReplySchema, wording: READING }, signal);
}

/**
 * Asks the code of a timetable which runs follow, in a process of its own, as `parseDagFile` reads a file: with the same limits, and without ever rejecting.
 */
export function askTimetableCode(
  { code, question }: { readonly code: CodeLocation; readonly question: TimetableQuestion },
  options: ParseProcessOptions,
  signal: AbortSignal,
): Promise<TimetableAnswer | FailedReply> {
  const schema = z
    .union([timetableAnswerSchema, parseReplySchema])
    .refine((reply) => reply.type !== 'parsed', 'is no answer to the question');
  const wording = { what: `asking the timetable of dag "${question.dagId}"`, advice: 'next() must only compute when the next run is due' };
  return askParseProcess({ code, timetable: question }, { options, schema: schema, wording }, signal);
}

/** Why there is no answer. */
export type FailedReply = Extract<ParseReply, { type: 'failed' }>;

/** How a failure is told. */
interface Wording {
  readonly what: string;
  /** What the code should do instead, where it takes too long. */
  readonly advice: string;
}

const READING: Wording = { what: 'reading the file', advice: 'a dag file may only define dags, work belongs into tasks' };

interface Asked<Reply> {
  readonly options: ParseProcessOptions;
  readonly schema: z.ZodType<Reply>;
  readonly wording: Wording;
}

async function askParseProcess<Reply extends ParseReply | TimetableAnswer>(
  request: ParseRequest,
  { options, schema, wording }: Asked<Reply>,
  signal: AbortSignal,
): Promise<Reply | FailedReply> {
  const { code } = request;
  const { prestarted, ...fresh } = options;
  let child: AuthorProcess;
  try {
    child = prestarted ?? (await startAuthorProcess(options.entry, options));
  } catch (error) {
    return failed(code, messageOf(error));
  }
  const output = { stdout: sampleText(child.stdout), stderr: sampleText(child.stderr) };
  const answer = await waitForAnswer(child, request, { options, signal });
  if (answer.by === 'reply') {
    const timer = options.clock.setTimer(LEAVE_MS, () => child.signalGroup('SIGKILL'));
    void child.ended.then(() => timer.cancel());
  } else {
    child.signalGroup('SIGKILL');
  }
  const end = await child.ended;
  // It may have been dying before it was asked.
  if (answer.by === 'end' && prestarted !== undefined) return askParseProcess(request, { options: fresh, schema, wording }, signal);
  switch (answer.by) {
    case 'reply':
      return withWarnings(readReply(code, answer.message, schema), end, { stdout: output.stdout(), stderr: output.stderr() });
    case 'timeout':
      return describeTimeout(code, options, wording);
    case 'abort':
      return describeStop(code);
    case 'nonsense':
      return failed(code, `the process that read the file sent something that is no answer: ${answer.problem}`);
    case 'end':
      return describeCrash(code, end, { stderr: output.stderr(), maxHeapMegabytes: options.maxHeapMegabytes, what: wording.what });
  }
}

/** Says that nobody wants to know any more what a file defines. */
export function describeStop(code: CodeLocation): FailedReply {
  return failed(code, 'the reading was stopped');
}

/** Says that a file was not read in the time that it has. */
export function describeTimeout(code: CodeLocation, { timeoutMs }: Pick<ParseProcessOptions, 'timeoutMs'>, wording = READING): FailedReply {
  return failed(
    code,
    `${wording.what} took longer than ${timeoutMs / 1_000} s: it never comes to its end (an endless loop, or an await at the top ` +
      `level); ${wording.advice}`,
  );
}

type Answer =
  | { readonly by: 'reply'; readonly message: unknown }
  | { readonly by: 'nonsense'; readonly problem: string }
  | { readonly by: 'timeout' | 'abort' | 'end' };

function waitForAnswer(
  child: AuthorProcess,
  request: ParseRequest,
  { options, signal }: { options: ParseProcessOptions; signal: AbortSignal },
): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer): void => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      resolve(answer);
    };
    const abort = (): void => settle({ by: 'abort' });
    const timer = options.clock.setTimer(options.timeoutMs, () => settle({ by: 'timeout' }));
    signal.addEventListener('abort', abort, { once: true });
    const takeChunk = createFrameReader();
    child.control.on('data', (chunk: Buffer) => {
      try {
        const [message] = takeChunk(chunk);
        if (message !== undefined) settle({ by: 'reply', message });
      } catch (error) {
        settle({ by: 'nonsense', problem: messageOf(error) });
      }
    });
    void child.ended.then(() => settle({ by: 'end' }));
    child.control.write(encodeFrame(request));
    if (signal.aborted) abort();
  });
}

function readReply<Reply>(code: CodeLocation, message: unknown, schema: z.ZodType<Reply>): Reply | FailedReply {
  const reply = schema.safeParse(message);
  if (reply.success) return reply.data;
  const [issue] = reply.error.issues;
  return failed(
    code,
    `the process that read the file sent something that is no answer: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}

function withWarnings<Reply extends ParseReply | TimetableAnswer>(
  reply: Reply | FailedReply,
  end: ProcessEnd,
  output: { stdout: string; stderr: string },
): Reply | FailedReply {
  if (reply.type !== 'parsed') return reply;
  const stderr = withoutRecords(output.stderr);
  const warnings = [...reply.warnings];
  if (output.stdout.trim() !== '') warnings.push(`reading the file prints: ${output.stdout.trim()}`);
  if (stderr.trim() !== '') warnings.push(`reading the file prints to standard error: ${stderr.trim()}`);
  if (end.hasSurvivors) warnings.push('reading the file starts a process that leaves its process group and goes on');
  return { ...reply, warnings };
}

function describeCrash(
  code: CodeLocation,
  { exitCode, signal }: ProcessEnd,
  facts: { stderr: string; maxHeapMegabytes: number; what: string },
): FailedReply {
  const stack = withoutRecords(facts.stderr).trim();
  const details = stack === '' ? {} : { stack };
  if (facts.stderr.includes('heap out of memory')) {
    return failed(code, `${facts.what} needs more than ${facts.maxHeapMegabytes} MB of heap; move the work into tasks`, details);
  }
  const nativeModule = /"loadsNativeModule":("(?:[^"\\]|\\.)*")/.exec(facts.stderr.slice(facts.stderr.lastIndexOf(RECORD_SEPARATOR)))?.[1];
  const suspect = nativeModule === undefined ? '' : `; the native module it loaded last is ${JSON.parse(nativeModule) as string}`;
  const how = signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
  return failed(code, `the process that read the file ${how} before it had an answer${suspect}`, details);
}

function failed(code: CodeLocation, message: string, details: { stack?: string } = {}): FailedReply {
  return { type: 'failed', error: { message, file: code.file, ...details } };
}

function withoutRecords(text: string): string {
  return text.replaceAll(new RegExp(`\\n?${RECORD_SEPARATOR}[^\\n]*\\n?`, 'g'), '');
}

/** Reads a stream to its end and keeps little of it, so that a file that prints without end neither blocks nor fills the memory. */
function sampleText(stream: Readable): () => string {
  let head = '';
  let tail = '';
  let droppedCharacters = 0;
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const room = KEPT_CHARACTERS - head.length;
    head += text.slice(0, room);
    const rest = tail + text.slice(room);
    tail = rest.slice(-KEPT_CHARACTERS);
    droppedCharacters += rest.length - tail.length;
  });
  return () =>
    (droppedCharacters === 0 ? head + tail : `${head}\n… ${droppedCharacters} characters left out …\n${tail}`)
      .replaceAll('\0', '\uFFFD')
      .toWellFormed();
}
