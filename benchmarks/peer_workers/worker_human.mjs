/** human: detection, mesh and emotion. Its models are read over HTTP, for which the worker serves the package's own. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { answer, environment, require, wasmPath } from "./answering.mjs";

const place = `${environment}/node_modules/@vladmandic/human`;
const server = createServer((request, reply) => reply.end(readFileSync(`${place}/models${request.url}`)));
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const { Human } = require(`${place}/dist/human.node-wasm.js`);
const off = { enabled: false }, on = { enabled: true };
const human = new Human({
  backend: "wasm", wasmPath, modelBasePath: `http://127.0.0.1:${server.address().port}/`, cacheSensitivity: 0, filter: off,
  face: { enabled: true, detector: { maxDetected: 10 }, mesh: on, emotion: on, iris: off, description: off },
  body: off, hand: off, gesture: off,
});
await human.load();
await answer(human.tf, async (picture) => (await human.detect(picture)).face.length, (h, w) => [1, h, w, 3], "float32");
