/** Longest id of a dag, a task or a run (Airflow's column width). */
export const MAX_ID_LENGTH = 250;

const DAG_OR_TASK_ID = /^[\p{L}\p{N}_.-]{1,250}$/u;
/** Airflow's `allowed_run_id_pattern`, which keeps run ids usable as a folder name and in a URL. */
const RUN_ID = /^[A-Za-z0-9_.~:+-]{1,250}$/;
const ASSET_NAME = /^[\x20-\x7e]{1,250}$/;

/** Whether a text may name a dag: letters, digits, `_`, `.` and `-`, at most 250 of them. */
export function isDagId(text: string): boolean {
  return DAG_OR_TASK_ID.test(text) && !isDots(text);
}

/** Whether a text may name a task: as a dag id. */
export function isTaskId(text: string): boolean {
  return DAG_OR_TASK_ID.test(text) && !isDots(text);
}

/** Whether a text may name a dag run: ASCII letters, digits and `_.~:+-`, at most 250 of them. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text) && !isDots(text);
}

/** Whether a text may name an asset: printable ASCII, not blank, at most 250 characters. */
export function isAssetName(text: string): boolean {
  return ASSET_NAME.test(text) && text.trim().length > 0;
}

/** `.` and `..` would be folders of their own in a log path. */
function isDots(text: string): boolean {
  return text === '.' || text === '..';
}
