const key = (g) => g.key("hll");

export const hll = [
  [4, (g) => ["PFADD", key(g), g.some(8, () => `e${g.random.below(2000)}`, 0)]],
  [0.1, (g) => ["PFADD", key(g), Array.from({ length: 1500 }, (_, i) => `e${i}`)]],
  [3, (g) => ["PFCOUNT", g.some(3, () => key(g))]],
  [1, (g) => ["PFMERGE", key(g), g.some(2, () => key(g), 0)]],
  [1, (g) => ["GET", key(g)]],
  [1, (g) => ["DEL", key(g)]],
];
