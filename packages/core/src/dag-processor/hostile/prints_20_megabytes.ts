import { dag } from '@tradewind/sdk';
for (let line = 0; line < 200_000; line += 1) console.log(`line ${line} ${'x'.repeat(90)}`);
console.error('\u001b[31mand an error\u0000');
export const loud = dag('loud', () => {});
