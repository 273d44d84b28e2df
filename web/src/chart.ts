/** One person's last half minute: the probabilities of the emotions, stacked, the newest at the right. */

export const SPAN_S = 30;
interface Sample { time: number; probabilities: number[] }

export class History {
  private samples: Sample[] = [];

  add(time: number, probabilities: number[]): void {
    this.samples.push({ time, probabilities });
    while (this.samples[0].time < time - SPAN_S - 1) this.samples.shift();
  }

  get newest(): number { return this.samples.at(-1)?.time ?? 0; }

  draw(canvas: HTMLCanvasElement, colours: string[], now: number): void {
    const scale = devicePixelRatio, pen = canvas.getContext("2d")!;
    const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    pen.clearRect(0, 0, width, height);
    const xs = this.samples.map(({ time }) => width * (1 - (now - time) / SPAN_S));
    const floors = this.samples.map(() => 0);
    colours.forEach((colour, k) => {
      pen.beginPath();
      floors.forEach((v, i) => pen.lineTo(xs[i], height * (1 - v)));
      this.samples.forEach(({ probabilities }, i) => (floors[i] += probabilities[k]));
      for (let i = xs.length - 1; i >= 0; i--) pen.lineTo(xs[i], height * (1 - floors[i]));
      pen.fillStyle = colour;
      pen.fill();
    });
  }
}
