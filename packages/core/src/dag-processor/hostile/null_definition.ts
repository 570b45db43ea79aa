export const hollow = { [Symbol.for('tradewind.dag.v1')]: true, dagId: 'hollow', serialized: null, handlers: null };
