/** RESP2 and RESP3 as the tests speak it, the compiled ones and the programs: requests are written, replies taken apart. Bytes are latin1 text. */

/** An error that was replied. As JSON it has its words. */
export class ReplyError extends Error {
  toJSON() {
    return { error: this.message };
  }
}

/** Commands as requests. */
export function encode(commands) {
  let text = "";
  for (const command of commands) {
    text += `*${command.length}\r\n`;
    for (const word of command) text += `$${String(word).length}\r\n${word}\r\n`;
  }
  return text;
}

/** The reply that begins at `at` and where it ends; undefined: not all of it is there. An integer is a number, or text where a double does not hold it; a map is keys and values in turn. */
export function readReply(text, at) {
  const stop = text.indexOf("\r\n", at);
  if (stop < 0) return undefined;
  const line = text.slice(at + 1, stop);
  const next = stop + 2;
  switch (text[at]) {
    case "+":
    case ",":
    case "(":
    case "#":
      return { value: line, end: next };
    case ":": {
      const value = Number(line);
      return { value: Number.isSafeInteger(value) ? value : line, end: next };
    }
    case "-":
      return { value: new ReplyError(line), end: next };
    case "_":
      return { value: null, end: next };
    case "$":
    case "=":
    case "!": {
      const length = Number(line);
      if (length < 0) return { value: null, end: next };
      const end = next + length + 2;
      if (text.length < end) return undefined;
      const value = text.slice(next, end - 2);
      return { value: text[at] === "!" ? new ReplyError(value) : value, end };
    }
    case "*":
    case "~":
    case ">":
    case "%":
    case "|": {
      const count = Number(line) * ("%|".includes(text[at]) ? 2 : 1);
      if (count < 0) return { value: null, end: next };
      const value = [];
      let end = next;
      while (value.length < count) {
        const one = readReply(text, end);
        if (one === undefined) return undefined;
        value.push(one.value);
        end = one.end;
      }
      return { value, end };
    }
  }
  throw new Error(`no reply: ${JSON.stringify(text.slice(at, at + 40))}`);
}

/** Replies of a connection, of which the bytes come in pieces. */
export class ReplyReader {
  text = "";
  at = 0;
  parts = [];

  add(bytes) {
    this.parts.push(bytes);
  }

  /** The next whole reply, as the bytes it came in and as a value; undefined: it is not there yet. */
  next() {
    if (this.parts.length !== 0) {
      this.text = this.text.slice(this.at) + Buffer.concat(this.parts).toString("latin1");
      this.at = 0;
      this.parts = [];
    }
    const reply = readReply(this.text, this.at);
    if (reply === undefined) return undefined;
    const bytes = this.text.slice(this.at, reply.end);
    this.at = reply.end;
    return { bytes, value: reply.value };
  }
}
