/** Face crops -> emotion probabilities. As emojimation/classify/classifier.py. */

import { cropFaces, type Face } from "./faces";
import { ort } from "./network";
import type { Classify } from "./numbers";
import type { Pixels } from "./pixels";

export class EmotionClassifier {
  constructor(private session: ort.InferenceSession, private n: Classify) {}

  /** Probabilities of each face of the frame, in one run of the network. */
  async predict(frame: Pixels, faces: Face[]): Promise<number[][]> {
    if (!faces.length) return [];
    const { size, labels } = this.n, crops = new ort.Tensor("float32", cropFaces(frame, faces, this.n), [faces.length, size, size, 1]);
    const out = await this.session.run({ [this.session.inputNames[0]]: crops });
    const answers = Array.from(out[this.session.outputNames[0]].data as Float32Array);
    return faces.map((_, i) => answers.slice(i * labels.length, (i + 1) * labels.length));
  }
}
