import { dag } from '@tradewind/sdk';
import { createRequire } from 'node:module';
const name = createRequire(import.meta.url)('./helper.cjs').name;
const os = await import('node:os');
export const mixed = dag(`${name}_${os.EOL.length}`, () => {});
