/** As core's test/misuse.ts: what must not compile where this backend is imported. */
import { type LibOSOptions, openLibOS } from "@demikernel/core";
import type {} from "@demikernel/libos-posix";

export async function options(): Promise<void> {
  await openLibOS({ libos: "posix", engine: "epoll", loop: "poll" });
  await openLibOS({ libos: "posix", posix: { engine: "epoll" } });
  await openLibOS({ engine: "io_uring" });
  // @ts-expect-error no such engine
  await openLibOS({ libos: "posix", engine: "kqueue" });
  // @ts-expect-error no such option
  await openLibOS({ libos: "posix", engin: "epoll" });
  // @ts-expect-error no such option, whatever is chosen
  await openLibOS({ engin: "epoll" });
  // @ts-expect-error no such engine, under the backend's name
  await openLibOS({ libos: "posix", posix: { engine: "kqueue" } });
  // @ts-expect-error no such option, under the backend's name
  await openLibOS({ libos: "posix", posix: { engin: "epoll" } });
  // @ts-expect-error the options of another backend
  await openLibOS({ libos: "posix", rdma: { provider: "tcp" } });
  // @ts-expect-error a size is a number
  await openLibOS({ libos: "posix", arena: [{ size: "256", count: 16 }] });
  // @ts-expect-error no such option beside a storage engine's
  await openLibOS({ libos: "posix", engin: "epoll", storage: "spdk", spdk: { device: "0000:00:04.0" } });
  await openLibOS({ libos: "posix", engine: "epoll", storage: "spdk", spdk: { device: "0000:00:04.0" } });
  // What is put together at run time is checked at run time.
  const given: LibOSOptions = { libos: "posix", engin: "epoll" };
  await openLibOS(given);
}
