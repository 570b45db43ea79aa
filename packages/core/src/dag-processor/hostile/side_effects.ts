import { dag } from '@tradewind/sdk';
setInterval(() => {}, 1_000);
process.chdir('/');
process.env.PLANTED = 'yes';
delete process.env.PATH;
Object.prototype.planted = 'yes';
Promise.reject(new Error('nobody listens'));
export const messy = dag('messy', () => {});
