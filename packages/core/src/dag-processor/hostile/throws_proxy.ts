const unreadable = () => {
  throw new Error('unreadable');
};
throw new Proxy({}, { get: unreadable, getPrototypeOf: unreadable, ownKeys: unreadable });
