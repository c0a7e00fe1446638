/** A dataset that is being loaded: until it is there commands that need it are refused, and INFO tells how far it is. */
export class Loading {
  isOn = false;
  /** What there was before is served meanwhile: of a replica that gets its dataset anew. */
  isAside = false;
  /** Seconds since 1970. */
  began = 0;
  totalBytes = 0;
  loadedBytes = 0;
  /** Of the dataset that the file was made of, as it says. */
  usedMemory = 0;
  /** Keys of the last file, and those whose time was over. */
  keys = 0;
  expired = 0;
  /** Whoever loads is to end. */
  isAborted = false;

  begin(totalBytes: number, isAside = false): void {
    this.isOn = true;
    this.isAborted = false;
    this.isAside = isAside;
    this.began = Math.floor(Date.now() / 1000);
    this.totalBytes = totalBytes;
    this.loadedBytes = this.usedMemory = 0;
  }

  end(): void {
    this.isOn = this.isAside = false;
  }

  /** Nobody wants it any more. */
  abort(): void {
    this.isAborted = true;
  }

  /** Seconds that are left, at about the pace so far. */
  get left(): number {
    const elapsed = Math.floor(Date.now() / 1000) - this.began;
    if (elapsed === 0) return 1;
    return Math.floor((elapsed * (this.totalBytes - this.loadedBytes)) / (this.loadedBytes + 1));
  }

  get percent(): number {
    return this.totalBytes === 0 ? 0 : (this.loadedBytes / this.totalBytes) * 100;
  }
}
