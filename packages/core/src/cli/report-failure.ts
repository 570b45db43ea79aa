import { inspect } from 'node:util';
import { TradewindError, messageOf } from '../platform/errors.ts';
import { isDebugRequested } from '../platform/inherited-variables.ts';

/**
 * What is printed about an error that ends a command: one line, or everything where the user asked for it. An error that is none of ours is a fault of this
 * program, and its line says how to learn more.
 */
export function describeFailure(error: unknown, { isVerbose }: { readonly isVerbose: boolean }): string {
  if (isVerbose || isDebugRequested()) return `tradewind: ${messageOf(error)}\n${inspect(error)}\n`;
  const message = messageOf(error).replaceAll(/\s*\n\s*/g, ' ');
  if (error instanceof TradewindError) return `tradewind: ${message}\n`;
  return `tradewind: this should not have happened: ${message}; with --verbose it says where. Please report it.\n`;
}
