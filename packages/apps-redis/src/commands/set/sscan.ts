import { type Call, REFUSED } from "../../server/call.js";
import type { Element } from "../../values/element.js";
import { replyScan, scanCursor, scanDict, scanMatches, scanOptions } from "../scan.js";
import { readSet } from "./lookup.js";

export function sscan(call: Call): void {
  const cursor = scanCursor(call, 2);
  if (cursor === undefined) return;
  const set = readSet(call);
  if (set === REFUSED) return;
  if (set === undefined) return replyScan(call, () => ({ cursor: 0, count: 0 }));
  const options = scanOptions(call, 3);
  if (options === undefined) return;
  const { reply } = call;
  const { table } = set;
  replyScan(call, () => {
    let count = 0;
    const tell = ({ bytes, at, length }: Element) => {
      if (!scanMatches(call, options, bytes, at, length)) return;
      reply.bulk(bytes, at, length);
      count++;
    };
    let next = 0;
    if (table === undefined) set.each(tell);
    else next = scanDict(table.dict, cursor, options, (ref) => tell(set.show(ref)));
    return { cursor: next, count };
  });
}
