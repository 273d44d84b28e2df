/** face-api: its smaller detector, landmarks and expressions. */

import { answer, environment, require } from "./answering.mjs";

const place = `${environment}/node_modules/@vladmandic/face-api`;
const api = require(`${place}/dist/face-api.node-wasm.js`);
await api.tf.setBackend("wasm");
await api.tf.ready();
for (const net of [api.nets.tinyFaceDetector, api.nets.faceLandmark68Net, api.nets.faceExpressionNet]) {
  await net.loadFromDisk(`${place}/model`);
}
const options = new api.TinyFaceDetectorOptions();
const find = async (picture) => (await api.detectAllFaces(picture, options).withFaceLandmarks().withFaceExpressions()).length;
await answer(api.tf, find, (h, w) => [h, w, 3], "int32");
