import { dag } from '@tradewind/sdk';
export const same = dag('same', { description: 'first' }, () => {});
