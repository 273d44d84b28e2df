/** The engine as the page sees it: one worker, started once, shared by all elements. */

import type { Answer, Ask, Message } from "./engine";

export interface Ready { threads: number; ms: number }
type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

export class Engine {
  readonly ready: Promise<Ready>;
  private worker: Worker;
  private waiting = new Map<number, Waiting>();
  private count = 0;

  constructor(base: URL) {
    this.worker = new Worker(new URL("engine.js", base), { type: "module" });
    this.ready = new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data }: MessageEvent<Message>) => {
        if (data.id) this.settle(data as Answer | { id: number; error: string });
        else if ("ready" in data) resolve(data.ready);
        else reject(new Error((data as { error: string }).error));
      };
      this.worker.onerror = () => reject(new Error("Expected a browser that runs module workers, got none: update this browser."));
    });
    this.ready.catch(() => undefined);
  }

  /** Faces of the image, which comes back with the answer. */
  async ask(image: ImageBitmap, how: Omit<Ask, "id" | "image">): Promise<Answer> {
    await this.ready;
    const id = ++this.count;
    const answer = new Promise<Answer>((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.worker.postMessage({ id, image, ...how } satisfies Ask, [image]);
    return answer;
  }

  private settle(data: Answer | { id: number; error: string }): void {
    const { resolve, reject } = this.waiting.get(data.id)!;
    this.waiting.delete(data.id);
    if ("error" in data) reject(new Error(data.error));
    else resolve(data);
  }
}
