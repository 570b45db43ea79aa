const config = undefined;
export const value = config.region;
