import { createRequire } from 'node:module';
import type * as LiquidModule from 'liquidjs';

/** Loads the template language at the first template: most processes never see one, and it takes as long as several tries. */
export function loadLiquid(): typeof LiquidModule {
  return createRequire(import.meta.url)('liquidjs') as typeof LiquidModule;
}

/** Whether a text holds anything of the template language. */
export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%');
}
