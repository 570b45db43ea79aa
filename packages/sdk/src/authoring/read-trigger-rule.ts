import { TRIGGER_RULES, type TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { findNearest } from './check-fields.ts';
import { showNames, showValue } from './show-value.ts';

/** A trigger rule; `all_success` where it is absent. Throws a `DefinitionError` naming the nearest one. */
export function readTriggerRule(where: string, value: unknown): TriggerRule {
  if (value === undefined) return 'all_success';
  const rule = TRIGGER_RULES.find((known) => known === value);
  if (rule !== undefined) return rule;
  const nearest = typeof value === 'string' ? findNearest(value, TRIGGER_RULES) : undefined;
  const advice = nearest === undefined ? `use ${showNames(TRIGGER_RULES)}` : `did you mean '${nearest}'?`;
  throw new DefinitionError(where, `triggerRule is ${showValue(value)}; ${advice}`);
}
