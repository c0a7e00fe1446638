import { Opcode, openLibOS, PushFlag } from "@demikernel/core";

// Types narrow, objects do not: what reads completions sees one hidden class, whatever completed.
test("completions have the same fields in the same order, whatever completed and whoever is told", async () => {
  const os = await openLibOS({ libos: "memory" });
  const qd = os.queue();
  const push = () => os.push(qd, os.sga.from("x"), PushFlag.FREE);
  const pushed = os.wait(push());
  const popped = os.wait(os.pop(qd));
  const refused = os.wait(os.accept(qd));
  push();
  const promised = await os.async.wait(os.pop(qd));
  const fields = ["opcode", "qd", "qt", "result", "sga", "newQd"];
  for (const done of [pushed, popped, refused, promised]) expect(Object.keys(done)).toEqual(fields);
  expect({ ...pushed }).toMatchObject({ opcode: Opcode.PUSH, result: 1, sga: 0, newQd: 0 });
  expect({ ...refused }).toMatchObject({ opcode: Opcode.ACCEPT, sga: 0, newQd: 0 });
  os.free(popped.sga);
  os.free(promised.sga);
  os.destroy();
});

test("os.sga is made once", async () => {
  const os = await openLibOS({ libos: "memory" });
  expect(Object.hasOwn(os, "sga")).toBe(true);
  expect(os.sga).toBe(os.sga);
  os.destroy();
});
