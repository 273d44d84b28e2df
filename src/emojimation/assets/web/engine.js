// The browser engine's page as a frame of this one: as high as its content, in this page's theme.
export default function ({ data, parentElement }) {
  const frame = parentElement.querySelector("iframe"), address = new URL(data, window.__streamlit.BACKEND_BASE_URL).href;
  const theme = () => { // light or dark, as this page's background is
    const [r, g, b] = getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor.match(/\d+/g);
    const dark = 299 * r + 587 * g + 114 * b < 128000, root = frame.contentDocument?.documentElement;
    frame.style.colorScheme = dark ? "dark" : "light";
    if (root) root.dataset.theme = dark ? "dark" : "light";
  };
  const fit = () => { frame.style.height = `${frame.contentDocument.documentElement.getBoundingClientRect().height}px`; };
  const resized = new ResizeObserver(fit);
  const loaded = () => { resized.disconnect(); resized.observe(frame.contentDocument.documentElement); theme(); };
  frame.addEventListener("load", loaded);
  if (frame.src !== address) frame.src = address;
  else if (frame.contentDocument?.readyState === "complete") loaded();
  theme();
  return () => { resized.disconnect(); frame.removeEventListener("load", loaded); };
}
