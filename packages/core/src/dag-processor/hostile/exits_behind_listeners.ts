process.removeAllListeners('exit');
process.exit(0);
