/** `save`: after how many seconds, with how many changes, the dataset is saved. */
export interface SavePoint {
  seconds: number;
  changes: number;
}

/** Of the words of the parameter, in pairs. */
export function savePoints(text: string): SavePoint[] {
  const words = text.split(" ").filter(Boolean).map(Number);
  const points: SavePoint[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) points.push({ seconds: words[i], changes: words[i + 1] });
  return points;
}
