/** Options of the posix backend. */
export interface PosixOptions {
  /** What moves the bytes. Default "auto": io_uring where this kernel allows it, else epoll. */
  engine?: "auto" | "io_uring" | "epoll";
}

/** JSON Schema of each option. */
export const optionSchemas: Readonly<Record<keyof PosixOptions, object>> = {
  engine: {
    type: "string",
    enum: ["auto", "io_uring", "epoll"],
    default: "auto",
    description: "What moves the bytes. auto: io_uring where this kernel allows it, else epoll.",
  },
};
