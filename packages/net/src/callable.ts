/** Classes that are called without new, too, as node:net's are. */
type Class = abstract new (...args: never[]) => object;

/** The class, to be called or constructed. It is the constructor of what it makes. */
export function callable<T extends Class>(made: T): T {
  function Callable(this: unknown, ...args: unknown[]): object {
    return Reflect.construct(made, args, new.target ?? Callable);
  }
  Object.setPrototypeOf(Callable, made);
  Object.defineProperty(Callable, "name", { value: made.name, configurable: true });
  Callable.prototype = made.prototype;
  Object.defineProperty(made.prototype, "constructor", { value: Callable, configurable: true, writable: true });
  return Callable as unknown as T;
}
