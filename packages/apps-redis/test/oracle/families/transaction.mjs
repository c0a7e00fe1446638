export const transaction = [
  [0.5, () => ["MULTI"]],
  [1, () => ["EXEC"]],
  [0.2, () => ["DISCARD"]],
  [0.3, (g) => ["WATCH", g.anyKey()]],
  [0.2, () => ["UNWATCH"]],
];
