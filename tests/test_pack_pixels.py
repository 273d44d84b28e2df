"""The packed data set comes back as it was, and takes less room."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from conftest import ROOT
from emojimation.training.data.load import Dataset, load, save

sys.path.insert(0, str(ROOT / "scripts"))
import pack_pixels


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))))
def test_any_pixels_come_back(images):
    assert (pack_pixels.restored(pack_pixels.differences(images)) == images).all()


def test_files_there_and_back(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    images = np.cumsum(rng.integers(-3, 4, (40, 48, 48)), 2).astype(np.uint8)
    votes = rng.integers(0, 11, (40, 10), np.uint8)
    splits = ["train"] * 30 + ["val"] * 10
    save(
        Dataset.of(images, rng.integers(0, 7, 40), splits, [f"f{i:04d}" for i in range(40)], votes),
        tmp_path / "a.parquet",
    )
    for source, target in (("a.parquet", "a.packed"), ("a.packed", "b.parquet")):
        monkeypatch.setattr(sys, "argv", ["pack", str(tmp_path / source), str(tmp_path / target)])
        pack_pixels.main()
    one, two = load(tmp_path / "a.parquet"), load(tmp_path / "b.parquet")
    assert one.sha256 == two.sha256 and (one.votes == two.votes).all()
    assert (one.names == two.names).all() and (one.splits == two.splits).all()
    assert (tmp_path / "a.packed").stat().st_size < images.size / 2
    assert "->" in capsys.readouterr().out


def test_damage_is_reported(tmp_path):
    dataset = Dataset.of(np.zeros((2, 4, 4), np.uint8), [0, 1])
    object.__setattr__(dataset, "sha256", "of others")
    with pytest.raises(SystemExit, match="Expected the pixels that were packed"):
        pack_pixels.unpack(pack_pixels.pack(dataset))
