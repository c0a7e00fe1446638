/** Told to whoever starts the server: what is on the disk cannot be loaded, so it does not start. */
export class LoadError extends Error {}
