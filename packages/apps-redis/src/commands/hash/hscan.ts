import { type Call, REFUSED } from "../../server/call.js";
import { replyScan, scanCursor, scanDict, scanMatches, scanOptions } from "../scan.js";
import { readHash } from "./lookup.js";

export function hscan(call: Call): void {
  const cursor = scanCursor(call, 2);
  if (cursor === undefined) return;
  const hash = readHash(call);
  if (hash === REFUSED) return;
  if (hash === undefined) return replyScan(call, () => ({ cursor: 0, count: 0 }));
  const options = scanOptions(call, 3);
  if (options === undefined) return;
  const { reply } = call;
  const { field, table, value } = hash;
  replyScan(call, () => {
    let count = 0;
    const tell = () => {
      if (!scanMatches(call, options, field.bytes, field.at, field.length)) return;
      reply.bulk(field.bytes, field.at, field.length);
      reply.bulk(value.bytes, value.at, value.length);
      count += 2;
    };
    let next = 0;
    if (table === undefined) hash.each(tell);
    else {
      next = scanDict(table.dict, cursor, options, (ref) => {
        hash.show(ref);
        tell();
      });
    }
    return { cursor: next, count };
  });
}
