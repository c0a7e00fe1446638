/** JSON Schema of each option of this backend. */
export const optionSchemas: Readonly<Record<string, object>> = {
  engine: {
    type: "string",
    enum: ["auto", "io_uring", "epoll"],
    default: "auto",
    description: "What moves the bytes. auto: io_uring where this kernel allows it, else epoll.",
  },
};
