/**
 * The service worker: keeps every file of the page, so that it opens without a network, and isolates it from other
 * origins, which threads need. Its address carries the version: another version is another worker and another store.
 */

const scope = self as unknown as ServiceWorkerGlobalScope, store = `emojimation-${new URL(scope.location.href).searchParams.get("v")}`;
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

async function keep(): Promise<void> {
  const { files } = await (await fetch("files.json", { cache: "no-cache" })).json();
  const cache = await caches.open(store);
  await cache.addAll(["./", "files.json", ...files].map((name) => new Request(name, { cache: "no-cache" })));
}

async function forget(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith("emojimation-") && name !== store) await caches.delete(name);
  await scope.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const kept = await caches.match(request, { ignoreSearch: true });
  if (!kept) return fetch(request);
  const headers = new Headers(kept.headers);
  for (const [name, value] of Object.entries(ISOLATED)) headers.set(name, value);
  return new Response(kept.body, { status: kept.status, headers });
}

scope.addEventListener("install", (event) => event.waitUntil(keep().then(() => scope.skipWaiting())));
scope.addEventListener("activate", (event) => event.waitUntil(forget()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && new URL(request.url).origin === scope.location.origin) event.respondWith(answer(request));
});

export {};
