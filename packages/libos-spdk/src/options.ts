/** Options of the storage backend. */
export interface SpdkOptions {
  /**
   * What the logs are on: "file:PATH" or "file:PATH,size=1GiB", a file or a block device. A file that is not there is made, of that size
   * (default 1 GiB). Default "file:demi.log".
   */
  device?: string;
}

/** JSON Schema of each option. */
export const optionSchemas: Readonly<Record<keyof SpdkOptions, object>> = {
  device: {
    type: "string",
    minLength: 1,
    maxLength: 4096,
    default: "file:demi.log",
    description:
      'What the logs are on: "file:PATH" or "file:PATH,size=1GiB", a file or a block device. A file that is not there is made, of that size (1 GiB without one).',
  },
};
