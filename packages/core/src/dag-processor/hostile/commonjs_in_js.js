module.exports = { name: 'x' };
