/** Options of the storage backend. */
export interface SpdkOptions {
  /**
   * What the logs are on: "file:PATH" or "file:PATH,size=1GiB", a file or a block device; or "nvme:ADDRESS", an NVMe controller by its PCI
   * address that vfio-pci or uio_pci_generic has, with ",ns=N" for a namespace (default: the first) and ",timeout=SECONDS" for how long a
   * command may take before it is aborted (default 30); or "spdk:ADDRESS" with the same, through SPDK, where the addon was built with it.
   * A file that is not there is made, of that size (default 1 GiB). Default "file:demi.log".
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
      'What the logs are on: "file:PATH" or "file:PATH,size=1GiB", a file or a block device; or "nvme:ADDRESS[,ns=N][,timeout=SECONDS]", an NVMe controller without the kernel, or "spdk:" with the same through SPDK. A file that is not there is made, of that size (1 GiB without one).',
  },
};
