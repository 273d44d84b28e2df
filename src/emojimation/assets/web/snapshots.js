// Opens the camera and hands one JPEG after the other to Python over the page's own connection.
export default function ({ setTriggerValue, setStateValue, parentElement, data }) {
  const video = parentElement.querySelector("video");
  if (video.dataset.on) return;
  video.dataset.on = "1";
  const canvas = document.createElement("canvas");
  let over = false;
  let stream = null;
  let timer = null;
  function take() {
    if (over || !video.videoWidth) return;
    const scale = Math.min(1, 640 / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    setTriggerValue("picture", canvas.toDataURL("image/jpeg", 0.85));
  }
  navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 }, audio: false }).then((opened) => {
    stream = opened;
    if (over) { opened.getTracks().forEach((track) => track.stop()); return; }
    video.srcObject = opened;
    timer = setInterval(take, data.every_ms);
  }).catch((error) => setStateValue("error", error.name));
  return () => {
    over = true;
    clearInterval(timer);
    delete video.dataset.on;
    if (stream) stream.getTracks().forEach((track) => track.stop());
  };
}
