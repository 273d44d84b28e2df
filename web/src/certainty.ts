/** How sure an answer is, in three degrees, and the words for it. As emojimation/certainty.py. */

export type Certainty = "sure" | "leaning" | "not sure";
export interface Answer { certainty: Certainty; words: string; ranked: number[] }

/** ranked: indices of the classes, most probable first. */
export function answerOf(probabilities: number[], names: string[], threshold: number, pairThreshold: number): Answer {
  const ranked = probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a]);
  const [first, second] = ranked, top = probabilities[first];
  const certainty = top >= threshold ? "sure" : top + probabilities[second] >= pairThreshold ? "leaning" : "not sure";
  const words = { sure: names[first], leaning: `${names[first]} or ${names[second]}`, "not sure": "not sure" }[certainty];
  return { certainty, words, ranked };
}
