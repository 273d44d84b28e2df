/** The correction for base rates. As emojimation/priors.py. */

export function reweighted(probabilities: number[], wanted: number[] | undefined, trained: number[] | null): number[] {
  if (!wanted || !trained) return probabilities;
  const weighted = probabilities.map((p, i) => (p * wanted[i]) / trained[i]);
  const sum = weighted.reduce((a, b) => a + b, 0);
  return weighted.map((p) => p / Math.max(sum, 1e-12));
}
