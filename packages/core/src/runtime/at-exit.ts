/** A process that ends by process.exit() or an uncaught exception runs no hooks of native code: what a libOS has beyond it stays behind. */

interface Destroyable {
  destroy(): void;
}

/** Weak: to be open is no reason to stay in memory. */
const open = new Set<WeakRef<Destroyable>>();
const collected = new FinalizationRegistry<WeakRef<Destroyable>>((ref) => open.delete(ref));

/** Destroys it when the process, or the Worker, ends without having done so. The function returned forgets it. */
export function destroyAtExit(os: Destroyable): () => void {
  if (open.size === 0) process.on("exit", destroyAll);
  const ref = new WeakRef(os);
  open.add(ref);
  collected.register(os, ref);
  return () => {
    open.delete(ref);
    if (open.size === 0) process.off("exit", destroyAll);
  };
}

function destroyAll(): void {
  for (const ref of open) ref.deref()?.destroy();
}
