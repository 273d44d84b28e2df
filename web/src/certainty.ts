/** How sure an answer is, in three degrees, and the words for it. As emojimation/certainty.py. */

import { filled, type Words } from "./languages";

export type Certainty = "sure" | "leaning" | "not sure";
export interface Answer { certainty: Certainty; words: string; ranked: number[] }

/** ranked: indices of the classes, most probable first. names: theirs, in the language of the words. */
export function answerOf(probabilities: number[], names: string[], said: Words, threshold: number, pairThreshold: number): Answer {
  const ranked = probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a]);
  const [first, second] = ranked, top = probabilities[first];
  const certainty = top >= threshold ? "sure" : top + probabilities[second] >= pairThreshold ? "leaning" : "not sure";
  const words = { sure: names[first], leaning: filled(said.or, names[first], names[second]), "not sure": said.not_sure }[certainty];
  return { certainty, words, ranked };
}
