/** ONNX Runtime for the web: WebAssembly with SIMD, and threads where the page is isolated from other origins. */

import * as ort from "onnxruntime-web/wasm";
import { fetched } from "./numbers";

/** Half of the processors: a thread that has to share its own makes all others wait (measured: twice the time a frame). */
export const threads = (): number => (crossOriginIsolated ? Math.min(Math.max((navigator.hardwareConcurrency || 1) >> 1, 1), 4) : 1);

/** The runtime lies beside the page compressed, and is unpacked here: a plain server of files need not know how. */
export async function startRuntime(base: URL): Promise<void> {
  const packed = (await fetched(new URL("ort.wasm.gz", base))).body!;
  ort.env.wasm.wasmBinary = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  ort.env.wasm.wasmPaths = { mjs: new URL("ort.mjs", base).href };
  ort.env.wasm.numThreads = threads();
  ort.env.logLevel = "error";
}

export const file = async (name: string, base: URL): Promise<Uint8Array> => new Uint8Array(await (await fetched(new URL(name, base))).arrayBuffer());

/** A model that Python has optimised: the runtime here has nothing more to do. */
export const openNetwork = (model: Uint8Array): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "disabled" });

export { ort };
