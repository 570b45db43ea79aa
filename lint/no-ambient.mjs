/**
 * Lint rules of this project: time, chance, timers and the process's environment reach `core` only through the ports of
 * `platform/`, because the simulation swaps them (adr/0007). The linter's own rules see `Date.now()` and global names; these see the
 * rest: `new Date()`, `Date()`, `performance.now()`, `globalThis.setTimeout`, `Temporal.Now`.
 */
const TIMERS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']);
const GLOBAL_OBJECTS = new Set(['globalThis', 'global']);

const noAmbient = {
  create(context) {
    const report = (node, what, port) => context.report({ node, message: `${what} is ambient; take it from ${port} (adr/0007).` });
    return {
      NewExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) {
          report(node, 'new Date()', 'platform/clock');
        }
      },
      CallExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'Date') report(node, 'Date()', 'platform/clock');
      },
      MemberExpression(node) {
        if (node.object.type !== 'Identifier' || node.property.type !== 'Identifier') return;
        const { name: object } = node.object;
        const { name: property } = node.property;
        if (GLOBAL_OBJECTS.has(object) && TIMERS.has(property)) report(node, `${object}.${property}`, 'platform/clock');
        if (object === 'Temporal' && property === 'Now') report(node, 'Temporal.Now', 'platform/clock');
        if (object === 'performance') report(node, 'performance', 'platform/clock');
      },
    };
  },
};

export default { meta: { name: 'tradewind' }, rules: { 'no-ambient': noAmbient } };
