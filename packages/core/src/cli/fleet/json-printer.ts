import { systemClock as clock } from '../../platform/clock.ts';
import type { FleetPrinter, FleetStep } from './fleet-step.ts';

/** Prints each step as a line of JSON on standard output, its keys in Airflow's spelling; the logs of the environments go to standard error. */
export function createJsonPrinter(): FleetPrinter {
  return {
    print(step) {
      if (step.type === 'environment_log') {
        process.stderr.write(`${step.environment}: ${step.line}\n`);
        return;
      }
      process.stdout.write(`${JSON.stringify({ timestamp: new Date(clock.now()).toISOString(), ...toSnakeCase(flatten(step)) })}\n`);
    },
  };
}

/** An activity is a step of its own; a new password is no business of whatever collects the lines. */
function flatten(step: FleetStep): Readonly<Record<string, unknown>> {
  if (step.type === 'activity') {
    const { activity, environment, type: _type, ...rest } = step;
    const { type, ...facts } = activity;
    // The store keeps the target as JSON; here it is part of JSON.
    const target = 'target' in facts ? { target: JSON.parse(facts.target) as unknown } : {};
    return { type, environment, ...facts, ...target, ...rest };
  }
  if (step.type === 'environment_started') {
    const { newPassword: _newPassword, ...rest } = step;
    return rest;
  }
  return step;
}

function toSnakeCase(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}
