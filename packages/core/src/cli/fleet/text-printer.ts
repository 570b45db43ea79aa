import { styleText } from 'node:util';
import { DEFAULT_WIDTHS, formatActivity } from '../output/activity-text.ts';
import { formatDuration } from '../output/format-values.ts';
import type { FleetPrinter, FleetStep } from './fleet-step.ts';

/** Prints steps for people, with the environment's name first in each line: on standard output, the logs of the environments on standard error. */
export function createTextPrinter(environments: readonly string[]): FleetPrinter {
  const nameWidth = Math.max(...environments.map((name) => name.length));
  const writeLines = (stream: NodeJS.WritableStream, name: string, text: string): void => {
    for (const [index, line] of text.split('\n').entries()) {
      stream.write(`${(index === 0 ? name : '').padEnd(nameWidth)}  ${line}\n`);
    }
  };
  return {
    print(step) {
      if (step.type === 'environment_log') {
        writeLines(process.stderr, step.environment, step.line);
        return;
      }
      const text = describeStep(step, process.stdout);
      if (text !== undefined) writeLines(process.stdout, 'environment' in step ? step.environment : '', text);
    },
  };
}

function describeStep(step: Exclude<FleetStep, { type: 'environment_log' }>, stream: NodeJS.WritableStream): string | undefined {
  switch (step.type) {
    case 'broker_started':
      return `events go through a broker in memory at ${step.endpoint}`;
    case 'environment_started':
      return describeStart(step, stream);
    case 'environment_crashed':
      return styleText('red', `${step.reason}; it is started again in ${formatDuration(step.restartInMs)}`, { stream });
    case 'activity':
      return describeActivity(step, stream);
    case 'notice':
      return step.text;
  }
}

function describeStart(step: FleetStep & { type: 'environment_started' }, stream: NodeJS.WritableStream): string {
  const history = step.dagRuns === 1 ? '1 run so far' : `${step.dagRuns} runs so far`;
  const password =
    step.newPassword === undefined ? `password in ${step.passwordFile}` : `password ${step.newPassword}\nkept in ${step.passwordFile}`;
  return `${link(step.url, stream)}  up in ${formatDuration(step.durationMs)}, ${history}\nuser admin, ${password}`;
}

function describeActivity(
  { activity, url, durationMs }: FleetStep & { type: 'activity' },
  stream: NodeJS.WritableStream,
): string | undefined {
  const line = formatActivity(activity, { stream, widths: DEFAULT_WIDTHS }, durationMs);
  // The page of a run is shown once, when it starts; that of a task where somebody will want to look.
  const needsLink = activity.type === 'dag_run' ? activity.state === 'running' : 'state' in activity && activity.state === 'failed';
  return line === undefined || url === undefined || !needsLink ? line : `${line}\n${link(url, stream)}`;
}

function link(url: string, stream: NodeJS.WritableStream): string {
  return styleText('underline', url, { stream });
}
