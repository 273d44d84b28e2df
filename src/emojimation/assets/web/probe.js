// Tells Python, whenever it changes, whether this browser could open a camera at all.
export default function ({ setStateValue, parentElement }) {
  let last = null;
  let over = false;
  async function look() {
    let found = "granted";
    if (!window.isSecureContext || !navigator.mediaDevices) found = "insecure";
    else {
      const devices = await navigator.mediaDevices.enumerateDevices();
      if (!devices.some((device) => device.kind === "videoinput")) found = "missing";
      else {
        try { found = (await navigator.permissions.query({ name: "camera" })).state; } catch { /* Firefox did not know it for long */ }
      }
    }
    if (!over && found !== last) { last = found; setStateValue("camera", found); }
  }
  look();
  const timer = setInterval(look, 2000);
  return () => { over = true; clearInterval(timer); };
}
