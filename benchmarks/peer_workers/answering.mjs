/** What both workers in JavaScript share: pictures from a folder, cases by line, processor time and faces in answer. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

export const [folder, environment] = process.argv.slice(2);
export const require = createRequire(`${environment}/`);
export const wasmPath = `${environment}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`;
require("@tensorflow/tfjs-backend-wasm").setWasmPaths(wasmPath);

/** find: takes a tensor of one picture's RGB and resolves to a number of faces. shape: of the tensor for a size. */
export async function answer(tf, find, shape, type) {
  const sizes = JSON.parse(readFileSync(`${folder}/pictures.json`)), pictures = {};
  for (const [name, [height, width]] of Object.entries(sizes)) {
    pictures[name] = tf.tensor(new Uint8Array(readFileSync(`${folder}/${name}.rgb`)), shape(height, width), type);
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const began = process.cpuUsage(), faces = await find(pictures[line.trim()]), used = process.cpuUsage(began);
    console.log(JSON.stringify([(used.user + used.system) / 1000, faces]));
  }
  process.exit(0);
}
