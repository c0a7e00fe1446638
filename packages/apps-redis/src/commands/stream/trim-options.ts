/** Options that XADD and XTRIM share. */
import type { Call } from "../../server/call.js";
import type { Stream } from "../../values/stream.js";
import { StreamId } from "../../values/stream-id.js";
import { NONE } from "../../values/stream-index.js";
import type { Trim } from "../../values/stream-trim.js";
import { count, id, newId } from "./arguments.js";

/** Of an approximate trim without LIMIT: entries of so many nodes, within these bounds. */
const NODES = 100;
const LIMIT_WITHOUT_NODES = 10_000;
const MOST = 1_000_000;

export interface AddOptions {
  trim?: Trim;
  /** Which argument says what is left. */
  trimAt: number;
  createsNone: boolean;
  /** Of XADD: which argument is the id, and what it is; undefined is "*". */
  idAt: number;
  id?: StreamId;
}

/** Undefined: they are wrong, which was replied. */
export function addOrTrimOptions(call: Call, isAdd: boolean): AddOptions | undefined {
  const { args, reply } = call;
  const options: AddOptions = { createsNone: false, idAt: 0, trimAt: 0 };
  let limit: number | undefined;
  const refuse = (why: string): undefined => {
    reply.error(`ERR ${why}`);
    return undefined;
  };
  let i = 2;
  for (; i < args.count; i++) {
    const more = args.count - 1 - i;
    if (isAdd && args.is(i, "*")) break;
    const isLength = args.is(i, "maxlen");
    if (more > 0 && (isLength || args.is(i, "minid"))) {
      if (options.trim !== undefined)
        return refuse("syntax error, MAXLEN and MINID options at the same time are not compatible");
      const isApproximate = more >= 2 && args.is(i + 1, "~");
      if (isApproximate || (more >= 2 && args.is(i + 1, "="))) i++;
      i++;
      const by = isLength ? count(call, i) : id(call, i);
      if (by === undefined) return undefined;
      if (typeof by === "number" && by < 0) return refuse("The MAXLEN argument must be >= 0.");
      options.trim = { by, isApproximate, limit: 0 };
      options.trimAt = i;
    } else if (more > 0 && args.is(i, "limit")) {
      limit = count(call, ++i);
      if (limit === undefined) return undefined;
      if (limit < 0) return refuse("The LIMIT argument must be >= 0.");
    } else if (isAdd && args.is(i, "nomkstream")) {
      options.createsNone = true;
    } else if (isAdd) {
      options.id = newId(call, i);
      if (options.id === undefined) return undefined;
      break;
    } else {
      call.syntaxError();
      return undefined;
    }
  }
  options.idAt = i;
  const { trim } = options;
  if (trim === undefined) {
    if (limit) return refuse("syntax error, LIMIT cannot be used without specifying a trimming strategy");
    if (!isAdd) return refuse("syntax error, XTRIM must be called with a trimming strategy");
  }
  // What was trimmed elsewhere is told as it is left.
  if (call.client.isObeyed) return options;
  if (limit !== undefined && !trim?.isApproximate)
    return refuse("syntax error, LIMIT cannot be used without the special ~ option");
  if (trim?.isApproximate) trim.limit = limit ?? usualLimit(call.server.config.streamNodeMaxEntries);
  return options;
}

function usualLimit(nodeEntries: number): number {
  const limit = NODES * nodeEntries;
  return limit <= 0 ? LIMIT_WITHOUT_NODES : Math.min(limit, MOST);
}

/** Told with what was left of a stream that was trimmed about, and with the id that XADD gave. */
export function tellTrimmed(call: Call, stream: Stream, options: AddOptions, id = ""): void {
  const { args, db, server } = call;
  if (!server.propagation.isOn) return;
  const { idAt, trim, trimAt } = options;
  const isApproximate = trim?.isApproximate === true;
  const told = server.propagation.insteadOf(db.id, args.count);
  for (let i = 0; i < args.count; i++) {
    if (isApproximate && i === trimAt - 1) told.text("=");
    else if (isApproximate && i === trimAt)
      told.text(typeof trim.by === "number" ? String(stream.length) : oldest(stream));
    else if (id !== "" && i === idAt) told.text(id);
    else told.argument(args, i);
  }
}

/** The first id that a stream's nodes have, of an entry that is there or was deleted. */
function oldest({ nodes }: Stream): string {
  const first = nodes.first();
  if (first === NONE) return new StreamId().setLargest().text;
  return nodes.idAt(first, new StreamId()).text;
}
