// The camera of a page, for benchmarks: a photo that sways, with the time of its drawing as black and white squares below.
// Each frame that a <video> shows is read again: `window.late_ms` collects how old it is then. PHOTO and FPS are filled in.
(() => {
  const BITS = 20, SIDE = 32, WIDTH = 640, HEIGHT = 480;
  const now = () => Math.floor(performance.timeOrigin + performance.now()) % (1 << BITS);
  navigator.mediaDevices.enumerateDevices = async () => [{ kind: "videoinput", deviceId: "clock", groupId: "", label: "clock" }];
  navigator.mediaDevices.getUserMedia = async () => {
    const photo = new Image();
    photo.src = "PHOTO";
    await photo.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    const pen = canvas.getContext("2d");
    const stream = canvas.captureStream(0);
    let count = 0;
    setInterval(() => {
      pen.drawImage(photo, 6 * Math.sin(count++ / 5), 0, WIDTH, HEIGHT);
      const time = now();
      for (let bit = 0; bit < BITS; bit++) {
        pen.fillStyle = (time >> bit) & 1 ? "#fff" : "#000";
        pen.fillRect(bit * SIDE, HEIGHT - SIDE, SIDE, SIDE);
      }
      stream.getVideoTracks()[0].requestFrame();
    }, 1000 / FPS);
    return stream;
  };
  window.late_ms = [];
  const small = Object.assign(document.createElement("canvas"), { width: WIDTH, height: SIDE });
  const eye = small.getContext("2d", { willReadFrequently: true });
  function read(video) {
    eye.drawImage(video, 0, HEIGHT - SIDE, WIDTH, SIDE, 0, 0, WIDTH, SIDE);
    const row = eye.getImageData(0, SIDE / 2, WIDTH, 1).data;
    let time = 0;
    for (let bit = 0; bit < BITS; bit++) if (row[4 * (WIDTH - 1 - (bit * SIDE + SIDE / 2))] > 127) time |= 1 << bit; // a mirror
    window.late_ms.push((now() - time + (1 << BITS)) % (1 << BITS));
  }
  function watch(video) {
    const next = () => { if (video.videoHeight === HEIGHT) read(video); video.requestVideoFrameCallback(next); };
    video.requestVideoFrameCallback(next);
  }
  const seen = new WeakSet();
  setInterval(() => document.querySelectorAll("video").forEach((video) => {
    if (!seen.has(video)) { seen.add(video); watch(video); }
  }), 200);
})();
