/** The path of a dag's page. */
export function dagPath(dagId: string): string {
  return `/dags/${encodeURIComponent(dagId)}`;
}

/** The path of a run's page. */
export function runPath(dagId: string, runId: string): string {
  return `${dagPath(dagId)}/runs/${encodeURIComponent(runId)}`;
}

/** The path of a task instance's page, at one of its tries where one is named. */
export function taskPath(dagId: string, runId: string, taskId: string, tryNumber?: number): string {
  const path = `${runPath(dagId, runId)}/tasks/${encodeURIComponent(taskId)}`;
  return tryNumber === undefined ? path : `${path}?try=${tryNumber}`;
}

/** The path of a try's whole log, as the API gives it. */
export function logPath(dagId: string, runId: string, taskId: string, tryNumber: number): string {
  const [dag, run, task] = [dagId, runId, taskId].map(encodeURIComponent);
  return `/api/v2/dags/${dag}/dagRuns/${run}/taskInstances/${task}/logs/${tryNumber}?full_content=true`;
}

/**
 * A path of this server to go to after a login. Anything else, such as another host in one of its many spellings, is the start page.
 */
export function safePath(path: string | undefined): string {
  const base = 'http://tradewind.invalid';
  if (path === undefined || !path.startsWith('/') || !URL.canParse(path, base)) return '/';
  const { origin, pathname, search } = new URL(path, base);
  // A path that itself begins with two slashes would be read as a host.
  return origin === base && !pathname.startsWith('//') ? `${pathname}${search}` : '/';
}
