
// The people of the video that this page plays.
export default function ({ data, parentElement }) {
  const part = (name) => parentElement.querySelector(`[data-part=${name}]`);
  for (const name of ["people", "legend", "now"]) part(name).replaceChildren();
  return showPeople(data, {
    ...Object.fromEntries(["people", "legend", "mode", "facts", "now"].map((name) => [name, part(name)])),
    player: () => document.querySelector("[data-testid=stVideo]"),
  });
}
