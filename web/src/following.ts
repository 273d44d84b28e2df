/**
 * The faces of successive frames of a stream: known ones are found again where they were, at a fraction of the cost. As
 * emojimation/detect/following.py. Hiding must not use this: it has to see every whole frame.
 */

import type { FaceDetector } from "./detect";
import type { Face } from "./faces";
import type { Detect } from "./numbers";
import type { Pixels } from "./pixels";

export class FollowingDetector {
  private known: Face[] = [];
  private followed = 0;
  private full = -Infinity;
  private size = "";

  constructor(private detector: FaceDetector, private n: Detect) {}

  /** The faces of the next frame, at that time in seconds, largest first. */
  async find(frame: Pixels, time: number): Promise<Face[]> {
    const again = this.isDue(frame, time) ? null : await this.detector.findAgain(frame, this.known);
    this.followed = again ? this.followed + 1 : 0;
    if (!again) this.full = time;
    return (this.known = again ?? (await this.inWhole(frame)));
  }

  /** Whether the whole frame is to be searched: nobody is known, or for too long, time jumped back, or the frame has
   * another size than the one before. */
  private isDue({ width, height }: Pixels, time: number): boolean {
    const [before, since] = [this.size, time - this.full];
    this.size = `${width}x${height}`;
    const late = since < 0 || since >= this.n.full_every_s;
    return !this.known.length || this.followed + 1 >= this.n.full_every || late || before !== this.size;
  }

  /** The faces of the whole frame, each as its surroundings show it, so that no box jumps from one view to another. */
  private async inWhole(frame: Pixels): Promise<Face[]> {
    const found = await this.detector.find(frame, false);
    return (found.length && (await this.detector.findAgain(frame, found))) || found;
  }
}
