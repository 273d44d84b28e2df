"""Images in an S3 store, on a small server that speaks S3."""

import pyarrow.fs
import pytest

import stored
from emojimation import InputError
from emojimation.batch.listing import listing_of
from emojimation.batch.run import BatchOptions, Output, local, run_batch
from emojimation.batch.tables import read_jsonl

if not hasattr(pyarrow.fs, "S3FileSystem"):
    pytest.skip("this pyarrow has no S3", allow_module_level=True)


@pytest.fixture
def store(small_jpeg, monkeypatch):
    """The query that leads to a store with a bucket `photos`."""
    files = {
        "photos/in/a.jpg": small_jpeg,
        "photos/in/more/b c.jpg": small_jpeg,
        "photos/in/broken.jpg": small_jpeg[:99],
        "photos/x.txt": b"",
    }
    for name, value in stored.KEYS.items():
        monkeypatch.setenv(name, value)
    with stored.store(files) as query:
        yield query


@pytest.mark.slow
def test_images_of_a_bucket_are_listed_and_answered_by_processes(store, model, tmp_path):
    source = f"s3://photos/in?{store}"
    names = [item.source for item in listing_of(source)]
    assert names == ["s3://photos/in/a.jpg", "s3://photos/in/broken.jpg", "s3://photos/in/more/b c.jpg"]
    output = Output(tmp_path / "out.jsonl")
    summary = run_batch(BatchOptions(source, model), output, local(1))
    assert (summary.faces, summary.failed) == (2, 1)
    assert [row["source"] for row in read_jsonl(output.path)] == [names[0], names[2]]


def test_a_glob_in_a_bucket(store):
    assert [item.source for item in listing_of(f"s3://photos/in/*a.jpg?{store}")] == ["s3://photos/in/a.jpg"]
    with pytest.raises(InputError, match="got none"):
        listing_of(f"s3://photos/in/*.png?{store}")


def test_a_store_that_is_not_there_is_reported(store):
    with pytest.raises(InputError, match="nobucket"):
        listing_of(f"s3://nobucket/in?{store}")
