/**
 * What happened, in order: each event of a socket or a server with its decisive arguments, one list a party. Between parties no order is kept: which
 * end of a connection hears first is chance. Ports are chance too, and left out.
 */
import { inspect } from "node:util";

const withoutPorts = (text) => text.replace(/:\d{4,5}\b/g, ":PORT");

/** What of an error programs look at. */
export function shape(error) {
  if (!(error instanceof Error)) return error;
  const shown = {
    class: error.constructor.name,
    name: error.name,
    message: withoutPorts(error.message),
    // A program prints it.
    headline: withoutPorts(String(error.stack).split("\n")[0]),
    keys: Object.keys(error).sort(),
  };
  for (const key of ["code", "errno", "syscall", "address", "localAddress", "host"]) {
    if (key in error) shown[key] = error[key];
  }
  for (const key of ["port", "localPort"]) if (key in error) shown[key] = error[key] >= 1024 ? "PORT" : error[key];
  if (error.errors) shown.errors = error.errors.map(shape);
  return shown;
}

export class Record {
  /** A list a party. */
  parties = {};

  note(party, what) {
    this.parties[party] ??= [];
    this.parties[party].push(withoutPorts(what));
  }

  /** Notes what `emitter` emits, whoever listens: without listeners of its own, which would set a stream flowing or handle an error. */
  watch(party, emitter, { without = ["readable"] } = {}) {
    const { emit } = emitter;
    emitter.emit = (event, ...args) => {
      if (event === "data") this.noteData(party, args[0]);
      else if (!without.includes(event)) this.note(party, [String(event), ...args.map(decisive)].join(" "));
      return emit.call(emitter, event, ...args);
    };
    return emitter;
  }

  /** In how many pieces bytes come is chance: those that follow each other count as one. */
  noteData(party, data) {
    this.parties[party] ??= [];
    const list = this.parties[party];
    const { length } = data;
    const last = list.at(-1);
    const before = last?.startsWith("data ") ? Number(last.slice(5)) : undefined;
    if (before === undefined) list.push(`data ${length}`);
    else list[list.length - 1] = `data ${before + length}`;
  }
}

function decisive(value) {
  if (value instanceof Error) return `${value.code ?? value.name}: ${value.message}`;
  if (typeof value === "number") return value >= 1024 ? "PORT" : String(value);
  if (typeof value === "object" && value !== null) return value.constructor?.name ?? "object";
  return typeof value === "string" ? value : inspect(value);
}
