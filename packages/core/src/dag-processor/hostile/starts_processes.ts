import { dag } from '@tradewind/sdk';
import { spawn } from 'node:child_process';
const sleeper = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1_000)`;
const child = spawn(process.execPath, ['-e', sleeper], { stdio: ['ignore', 'inherit', 'inherit'] });
console.log(`started ${child.pid}`);
export const parent = dag('parent', () => {});
