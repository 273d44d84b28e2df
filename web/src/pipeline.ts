/** One frame -> its faces with emotions: the only place that knows the order of the stages. As emojimation/pipeline.py. */

import { EmotionClassifier } from "./classify";
import { FaceDetector, type Network } from "./detect";
import { sizePx, type Face } from "./faces";
import { openNetwork, ort, startRuntime } from "./network";
import type { Numbers } from "./numbers";
import type { Pixels } from "./pixels";
import { reweighted } from "./priors";

/** "fast": the whole frame alone, for streams; "wide": overlapping tiles too; "auto", for photos: tiles unless one face fills it. */
export type Search = "fast" | "wide" | "auto";

export class Pipeline {
  private constructor(private detector: FaceDetector, private classifier: EmotionClassifier, private n: Numbers) {}

  static async load(numbers: Numbers, base: URL): Promise<Pipeline> {
    await startRuntime(base);
    const [detector, classifier] = [await openNetwork("detector.onnx", base), await openNetwork("classifier.onnx", base)];
    const run: Network = async (frames, n, side) => {
      const { boxes, logits } = await detector.run({ frames: new ort.Tensor("uint8", frames, [n, side, side, 3]) });
      return { boxes: boxes.data as Float32Array, logits: logits.data as Float32Array };
    };
    return new Pipeline(new FaceDetector(run, numbers.detect), new EmotionClassifier(classifier, numbers.classify), numbers);
  }

  /** search: see `Search`. prior: a name of `Numbers.priors`; any other corrects nothing. */
  async faces(frame: Pixels, search: Search, prior: string): Promise<Face[]> {
    const faces = await this.found(frame, search), answers = await this.classifier.predict(frame, faces);
    const { priors, classify } = this.n;
    return faces.map((face, i) => ({ ...face, probabilities: reweighted(answers[i], priors[prior], classify.trained) }));
  }

  private async found(frame: Pixels, search: Search): Promise<Face[]> {
    const first = search === "wide" ? [] : await this.detector.find(frame, false);
    const portrait = first.length === 1 && sizePx(first[0]) >= this.n.detect.portrait_share * Math.max(frame.width, frame.height);
    return search === "fast" || portrait ? first : this.detector.find(frame, true);
  }
}
