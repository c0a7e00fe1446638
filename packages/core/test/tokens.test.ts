import { type Completion, Opcode, openLibOS, type QueueToken } from "@demikernel/core";

// The most tokens there can be: one index stays free as the end mark of the table.
test("131072 tokens: all but one can be outstanding, one more is EAGAIN, and a freed one is found again", async () => {
  const os = await openLibOS({ libos: "memory", tokens: 131072, arena: [{ size: 256, count: 64 }] });
  const queue = os.queue();
  const tokens = Array.from({ length: 131071 }, () => os.pop(queue));
  expect(new Set(tokens).size).toBe(131071);
  expect(() => os.pop(queue)).toThrow(/EAGAIN/);
  expect(os.stats().outstanding).toBe(131071);

  const [cancelled] = tokens.splice(70_000, 1);
  os.cancel(cancelled);
  os.turn(() => {});
  const again = os.pop(queue);
  expect(again).not.toBe(cancelled);
  expect(() => os.cancel(cancelled)).toThrow(/EINVAL/);
  expect(() => os.pop(queue)).toThrow(/EAGAIN/);

  os.close(queue);
  let ended = 0;
  while (os.turn(() => ended++) > 0);
  expect(ended).toBe(131071);
  expect(os.stats().outstanding).toBe(0);
  os.destroy();
});

test("a token is not given out again within a million operations, whatever is outstanding beside it", async () => {
  const os = await openLibOS({ libos: "memory", tokens: 1000, arena: [{ size: 256, count: 64 }] });
  const idle = os.queue();
  const busy = os.queue();
  const waiting = new Set<QueueToken>(Array.from({ length: 700 }, () => os.pop(idle)));
  const sga = os.alloc(8);
  const first = os.push(busy, sga);
  os.turn(() => {});
  let collisions = 0;
  const seen = (event: Completion) => {
    if (event.qt === first || waiting.has(event.qt)) collisions++;
    if (event.opcode === Opcode.POP && event.sga !== 0) os.free(event.sga);
  };
  for (let i = 0; i < 500_000; i++) {
    os.push(busy, sga);
    os.pop(busy);
    os.turn(seen);
  }
  expect(collisions).toBe(0);
  os.destroy();
});
