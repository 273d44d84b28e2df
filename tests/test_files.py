import os
import subprocess
import sys

import pytest

from emojimation import files
from emojimation.errors import InputError


def test_a_file_appears_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / "new" / "a.txt"
    assert files.write_whole(path, "été\n") == path and path.read_bytes() == "été\n".encode()
    with pytest.raises(KeyboardInterrupt), files.whole(path) as part:
        part.write_text("half")
        assert part.suffix == path.suffix and path.read_text("utf-8") == "été\n"
        raise KeyboardInterrupt
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"] and path.read_text("utf-8") == "été\n"


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.txt", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    with files.whole(link) as part:
        assert part.parent == real.parent and part.suffix == ".csv"
        part.write_text("new")
    assert link.is_symlink() and real.read_text() == "new" and list(real.parent.iterdir()) == [real]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_stays_and_its_reader_gets_all(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        try:
            files.write_whole(pipe, "row\n")
            assert reader.communicate(timeout=30)[0] == "row\n"
        finally:
            reader.kill()
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]


def test_a_disk_that_does_not_take_it_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can be written") as caught:
        files.write_whole(tmp_path / "file" / "a.txt", b"x")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind processes")
def test_a_bound_process_counts_its_own_processors_only():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from emojimation.files import usable_processors; print(usable_processors())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "1\n"


@pytest.mark.parametrize(("quota", "most"), [("150000 100000\n", 2), ("10000 100000\n", 1), ("max 100000\n", None)])
def test_a_container_gets_no_more_than_its_quota(tmp_path, monkeypatch, quota, most):
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(files, "CGROUP", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert files.usable_processors() == (most or 8)


def test_as_many_threads_as_a_very_large_machine_has_are_accepted(monkeypatch):
    monkeypatch.setattr(files, "CGROUP", files.Path("/nowhere"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(384)), raising=False)
    assert files.checked_threads(files.usable_processors()) == 256
