import type { Activity } from '../../platform/activity.ts';

/** Something that happened in a fleet, for whoever watches it. */
export type FleetStep =
  | { readonly type: 'broker_started'; readonly endpoint: string }
  | {
      readonly type: 'environment_started';
      readonly environment: string;
      readonly url: string;
      readonly passwordFile: string;
      /** Only where it was made by this start. */
      readonly newPassword?: string;
      /** How many runs its history holds. */
      readonly dagRuns: number;
      readonly durationMs: number;
    }
  | { readonly type: 'environment_crashed'; readonly environment: string; readonly reason: string; readonly restartInMs: number }
  | {
      readonly type: 'activity';
      readonly environment: string;
      readonly activity: Activity;
      /** The page to look at. */
      readonly url?: string;
      /** How long a run took; only for one that ended. */
      readonly durationMs?: number;
    }
  | { readonly type: 'environment_log'; readonly environment: string; readonly line: string }
  | { readonly type: 'notice'; readonly text: string };

/** Shows steps, in the order in which they happened. */
export interface FleetPrinter {
  print(step: FleetStep): void;
}
