import type { SerializedDecision, TryDecision } from '@tradewind/protocol';
import { showNames, showValue } from '../authoring/show-value.ts';
import { BadValueError } from '../errors.ts';

/**
 * What a branch or a short circuit chose, given what its code returned.
 * @throws BadValueError where that is none of its choices
 */
export function readDecision(decision: SerializedDecision, value: unknown): TryDecision {
  switch (decision.kind) {
    case 'branch':
      return { kind: 'branch', follow: readLabels(decision.choices, value) };
    case 'short_circuit':
    case 'latest_only':
      if (typeof value === 'boolean') return { kind: decision.kind, goesOn: value };
      throw new BadValueError(`the task returned ${showValue(value)}; return true to go on, or false to skip what follows`);
  }
}

function readLabels(choices: readonly string[], value: unknown): readonly string[] {
  const labels: readonly unknown[] = Array.isArray(value) ? value : [value ?? []].flat();
  const unknown = labels.find((label) => !choices.some((choice) => choice === label));
  if (unknown === undefined) return [...new Set(labels as readonly string[])];
  throw new BadValueError(`the branch returned ${showValue(unknown)}, which is not one of its choices; they are ${showNames(choices)}`);
}
