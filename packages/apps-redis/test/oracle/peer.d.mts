/** For the compiled tests. */
export class Peer {
  constructor(name: string, where: string);
  send(commands: readonly (readonly string[])[]): Promise<Buffer>;
  end(): void;
}
