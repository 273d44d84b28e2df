/** A short recording of what is drawn, as a file of this browser's own format. */

export const MOST_S = 30;
const FORMATS = ["video/mp4;codecs=avc1.42E01F", "video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];

export const canRecord = (): boolean => typeof MediaRecorder !== "undefined" && FORMATS.some((type) => MediaRecorder.isTypeSupported(type));

/** Starts at once; `stop` ends it, as does the time limit. The promise gives the file. */
export function record(canvas: HTMLCanvasElement): { stop: () => void; done: Promise<Blob> } {
  const mimeType = FORMATS.find((type) => MediaRecorder.isTypeSupported(type))!;
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType, videoBitsPerSecond: 4e6 }), parts: Blob[] = [];
  const stop = (): void => { if (recorder.state !== "inactive") recorder.stop(); };
  const done = new Promise<Blob>((resolve) => {
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () => resolve(new Blob(parts, { type: mimeType.split(";")[0] }));
  });
  recorder.start();
  setTimeout(stop, MOST_S * 1000);
  return { stop, done };
}

export function save(blob: Blob): void {
  const link = document.createElement("a"), stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  link.href = URL.createObjectURL(blob);
  link.download = `emojimation-${stamp}.${blob.type.split("/")[1]}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
