import { dag } from '@tradewind/sdk';
console.log(JSON.stringify(process.env));
export const curious = dag('curious', () => {});
