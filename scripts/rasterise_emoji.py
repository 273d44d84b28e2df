"""Make the bundled emoji images and font from three unpacked npm packages. Run once; the results are committed.

    npm pack @iconify-json/noto @lobehub/fluent-emoji-3d @fontsource/inter      (then unpack each archive)
    python scripts/rasterise_emoji.py --noto NOTO/package --fluent FLUENT/package --inter INTER/package \
        --out src/emojimation/assets

Needs `resvg-py`, `pillow` and `fonttools` (a throw-away environment will do; they are not dependencies of Emojimation).
Writes emoji/{noto,fluent}/NAME.png (256x256 RGBA), fonts/inter-semibold.ttf (Basic Latin and Latin-1), and prints one
line of Markdown per file (file, source, version, licence, sha256) for assets/LICENSES.md.
"""

import argparse
import hashlib
import io
import json
from pathlib import Path

import resvg_py
from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image

from emojimation.labels import EMOJI, MORE_EMOJI, NOT_SURE_EMOJI

SIZE = 256
NAMES = {**EMOJI, **MORE_EMOJI, "not_sure": NOT_SURE_EMOJI}


def noto_picture(package: Path, emoji: str) -> Image.Image:
    """The SVG body of one emoji, drawn at `SIZE`."""
    icons = json.loads((package / "icons.json").read_text(encoding="utf-8"))
    name = json.loads((package / "chars.json").read_text(encoding="utf-8"))[f"{ord(emoji):x}"]
    width, height = icons.get("width", 16), icons.get("height", 16)
    body = icons["icons"][name]["body"]
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{body}</svg>'
    png = resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def fluent_picture(package: Path, emoji: str) -> Image.Image:
    """The WebP image of one emoji, resized to `SIZE`."""
    picture = Image.open(package / "assets" / f"{ord(emoji):x}.webp").convert("RGBA")
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def latin_font(package: Path, target: Path) -> None:
    """Inter SemiBold as plain TrueType, only the letters of Basic Latin and Latin-1 and a few signs."""
    font = TTFont(package / "files" / "inter-latin-600-normal.woff2")
    options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp"], hinting=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[*range(0x20, 0x7F), *range(0xA0, 0x100), 0x2013, 0x2022, 0x2026])
    cutter.subset(font)
    font.flavor = None
    font.save(target)


def row(file: Path, root: Path, package: Path, licence: str) -> str:
    """One line of the licence table."""
    about = json.loads((package / "package.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f"| {file.relative_to(root)} | npm `{about['name']}` | {about['version']} | {licence} | `{digest}` |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("noto", "fluent", "inter", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    art = {
        "noto": (args.noto, noto_picture, "Apache-2.0, Google's Noto Emoji"),
        "fluent": (args.fluent, fluent_picture, "MIT, Microsoft's Fluent Emoji, packaged by LobeHub"),
    }
    for folder, (package, draw, licence) in art.items():
        for name, emoji in NAMES.items():
            file = args.out / "emoji" / folder / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            draw(package, emoji).save(file, optimize=True)
            print(row(file, args.out, package, licence))
    font = args.out / "fonts" / "inter-semibold.ttf"
    font.parent.mkdir(parents=True, exist_ok=True)
    latin_font(args.inter, font)
    print(row(font, args.out, args.inter, "OFL-1.1, the Inter Project Authors, subset"))


if __name__ == "__main__":
    main()
