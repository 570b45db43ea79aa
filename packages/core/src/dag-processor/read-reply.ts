import { createHash } from 'node:crypto';
import type { ParseFailure, ParseReply, SerializedDag } from '@tradewind/protocol';
import { checkDag } from './check-dag.ts';
import type { ParsedDag } from './dag-file-sink.ts';

/** What a parse child's reply is worth once it was checked. */
export type ReadDags =
  | { readonly ok: true; readonly dags: readonly ParsedDag[]; readonly files: readonly string[]; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly error: ParseFailure };

/** Further reasons to refuse a dag, such as a cron expression that means nothing; undefined for a dag that is fine. */
export type FindDagProblem = (dag: SerializedDag) => string | undefined;

/** Checks what a parse child answered. One bad dag makes the whole file an import error, so that its last good version stays together. */
export function readReply(file: string, reply: ParseReply, findProblem: FindDagProblem): ReadDags {
  if (reply.type === 'failed') return { ok: false, error: { file, ...reply.error } };
  const dags: ParsedDag[] = [];
  const dagIds = new Set<string>();
  for (const candidate of reply.dags) {
    const checked = checkDag(candidate);
    if (!checked.ok) return { ok: false, error: { file, message: checked.problem } };
    const { dag } = checked;
    const problem = dagIds.has(dag.dagId) ? 'the file defines it twice; give one of them another id' : findProblem(dag);
    if (problem !== undefined) return { ok: false, error: { file, message: `dag "${dag.dagId}": ${problem}` } };
    dagIds.add(dag.dagId);
    dags.push({ dag, serializedHash: createHash('sha256').update(JSON.stringify(dag)).digest('hex') });
  }
  return { ok: true, dags, files: reply.files, warnings: reply.warnings };
}
