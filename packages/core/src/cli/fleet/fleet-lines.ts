import type { Activity } from '../../platform/activity.ts';
import { ERROR_CODES, TradewindError, type ErrorCode } from '../../platform/errors.ts';

/** What an environment's process tells its fleet, a line of JSON each, on its standard output. */
export type FleetLine =
  | { readonly type: 'started'; readonly address: string; readonly newAdminPassword?: string }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'activity'; readonly activity: Activity };

/** Tells the fleet. */
export function writeFleetLine(line: FleetLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Reads a line; undefined for text that something else printed. */
export function readFleetLine(text: string): FleetLine | undefined {
  try {
    const line = JSON.parse(text) as FleetLine | null;
    return typeof line === 'object' && line !== null && 'type' in line ? line : undefined;
  } catch {
    return undefined;
  }
}

/** The error that ended an environment's process, as it was there. */
export function errorOfLine({ code, message }: FleetLine & { type: 'failed' }): TradewindError {
  return new TradewindError(ERROR_CODES.find((known): known is ErrorCode => known === code) ?? 'internal', message);
}
