"""Write a sheet of the puppet: the seven emotions, and twelve movements of a face at three sizes.

python examples/puppet_sheet.py out/puppet.png
python examples/puppet_sheet.py out/cat.png --character cat
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from avatar_sheet import answer, row

from emojimation.draw.avatar import Avatar
from emojimation.draw.puppet import Puppet
from emojimation.labels import EMOTIONS

SIZES = (128, 48, 32)
MOVEMENTS = [
    ("neutral", Puppet()),
    ("happy", Puppet(yaw=30, smile=0.8, width=1.3)),
    ("happy", Puppet(yaw=-45, open=0.8, smile=0.6, width=1.2)),
    ("surprise", Puppet(pitch=-20, open=1, raise_right=1, raise_left=1, wide=1)),
    ("neutral", Puppet(shut_left=1, smile=0.7, tilt=0.6, width=1.2)),
    ("sad", Puppet(pitch=25, yaw=10)),
    ("angry", Puppet(yaw=-25, furrow=1, open=0.3)),
    ("neutral", Puppet(raise_right=1, raise_left=-0.2, gaze_x=0.1)),
    ("fear", Puppet(yaw=20, pitch=-10, open=0.4, wide=0.5)),
    ("disgust", Puppet(yaw=-15, gaze_x=-0.11, shut_right=0.5, shut_left=0.5)),
    ("happy", Puppet(shut_right=1, shut_left=1, smile=1, width=1.4)),
    ("neutral", Puppet(open=0.5, width=0.8, yaw=45, pitch=15)),
]


def sheet(avatar: Avatar) -> np.ndarray:
    """The sheet (H,1680,3) BGR uint8."""
    rows = [row([avatar.draw(answer(**{name: 0.8}), 128) for name in EMOTIONS], 1680)]
    for size in SIZES:
        rows.append(row([avatar.draw(answer(**{name: 0.8}), size, puppet=puppet) for name, puppet in MOVEMENTS], 1680))
    return np.vstack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--character", default="emoji", help="emoji, cat, robot or a folder")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(args.out), sheet(Avatar(who=args.character))):
        raise SystemExit(f"cannot write {args.out}; name a .png file in a folder that you may write to")
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
