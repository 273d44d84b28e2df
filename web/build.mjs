/** Bundle the page into src/emojimation/assets/page: `npm ci && npm run build`. The built files are committed. */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync, copyFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const out = process.argv[2] ?? "../src/emojimation/assets/page", runtime = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded";
mkdirSync(out, { recursive: true });
await build({
  entryPoints: ["src/page.ts", "src/emoji-mation.ts", "src/engine.ts", "src/offline.ts"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  external: ["./emoji-mation.js"],  // the page uses the element as any other page does
  legalComments: "none",
  logLevel: "warning",
});
writeFileSync(`${out}/ort.wasm.gz`, gzipSync(readFileSync(`${runtime}.wasm`), { level: 9 }));
// tests/test_page.py compares it, so that no source changes without its script.
const sources = readdirSync("src").sort().map((name) => readFileSync(`src/${name}`));
writeFileSync(`${out}/built.json`, `{"sources": "${createHash("sha256").update(Buffer.concat(sources)).digest("hex")}"}\n`);
copyFileSync(`${runtime}.mjs`, `${out}/ort.mjs`);
