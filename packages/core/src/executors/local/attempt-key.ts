import type { Attempt } from '@tradewind/protocol';

/** An attempt as a key of maps. */
export function attemptKey({ taskInstanceId, epoch }: Attempt): string {
  return `${taskInstanceId}:${epoch}`;
}
