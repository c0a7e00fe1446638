/** C on epoll on both ends of the kernel's loopback: what a backend that does without the kernel's sockets is compared with. */
import { type Placement, raise } from "@demikernel/bench";
import type { NativePrograms } from "./build-native.js";
import { type Load, measure, type Sample } from "./load.js";
import { baselines, type Server, startServer } from "./servers.js";

export type LoopbackLoad = Omit<Load, "program" | "cpu" | "busy">;

export class KernelLoopback {
  readonly kind = "kernel";
  readonly name: string;
  private readonly server: Server;

  /** `busy`: both ends spin. */
  constructor(
    private readonly programs: NativePrograms,
    readonly busy: boolean,
    private readonly placement: Placement,
  ) {
    [this.server] = baselines(programs, busy);
    this.name = `kernel loopback, C epoll${busy ? " busy" : ""}`;
  }

  async measure(load: LoopbackLoad): Promise<Sample> {
    const { programs, busy, placement } = this;
    const running = await startServer(this.server, placement.server);
    try {
      raise(running.child.pid);
      return await measure(running, { ...load, program: programs.load, cpu: placement.generator, busy });
    } finally {
      await running.child.stop();
    }
  }

  /** Nothing stays. */
  async stop(): Promise<void> {}
}
