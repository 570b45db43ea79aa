exports.name = 'mixed';
