/** One frame -> its faces with emotions: the only place that knows the order of the stages. As emojimation/pipeline.py. */

import { EmotionClassifier } from "./classify";
import { FaceDetector, type Network } from "./detect";
import { sizePx, type Face } from "./faces";
import { FollowingDetector } from "./following";
import { file, openNetwork, ort, startRuntime } from "./network";
import type { Numbers } from "./numbers";
import type { Pixels } from "./pixels";
import { reweighted } from "./priors";

/**
 * "fast": the whole frame alone; "stream": known faces are followed; "wide": overlapping tiles too; "auto", for photos:
 * tiles unless one face fills it.
 */
export type Search = "fast" | "stream" | "wide" | "auto";

export class Pipeline {
  private following: FollowingDetector;

  private constructor(private detector: FaceDetector, private classifier: EmotionClassifier, private n: Numbers) {
    this.following = new FollowingDetector(detector, n.detect);
  }

  /** The same stages for the frames of another stream. */
  streaming(): Pipeline {
    return new Pipeline(this.detector, this.classifier, this.n);
  }

  static async load(numbers: Numbers, base: URL): Promise<Pipeline> {
    const [, ...models] = await Promise.all([startRuntime(base), ...["detector.onnx", "classifier.onnx"].map((name) => file(name, base))]);
    const [detector, classifier] = [await openNetwork(models[0]), await openNetwork(models[1])];
    const run: Network = async (frames, n, side) => {
      const { boxes, logits } = await detector.run({ frames: new ort.Tensor("uint8", frames, [n, side, side, 3]) });
      return { boxes: boxes.data as Float32Array, logits: logits.data as Float32Array };
    };
    return new Pipeline(new FaceDetector(run, numbers.detect), new EmotionClassifier(classifier, numbers.classify), numbers);
  }

  /** search: see `Search`. prior: a name of `Numbers.priors`; any other corrects nothing. time: in seconds, of a stream's frame. */
  async faces(frame: Pixels, search: Search, prior: string, time = 0): Promise<Face[]> {
    const faces = search === "stream" ? await this.following.find(frame, time) : await this.found(frame, search);
    const answers = await this.classifier.predict(frame, faces);
    const { priors, classify } = this.n;
    return faces.map((face, i) => ({ ...face, probabilities: reweighted(answers[i], priors[prior], classify.trained) }));
  }

  private async found(frame: Pixels, search: Search): Promise<Face[]> {
    const first = search === "wide" ? [] : await this.detector.find(frame, false);
    const portrait = first.length === 1 && sizePx(first[0]) >= this.n.detect.portrait_share * Math.max(frame.width, frame.height);
    return search === "fast" || portrait ? first : this.detector.find(frame, true);
  }
}
