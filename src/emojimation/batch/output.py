"""Where the results of a batch go: what exists there already, and the files that appear complete at the end."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emojimation.batch import tables
from emojimation.batch.journal import Journal, check_settings, full_disk
from emojimation.errors import InputError
from emojimation.files import whole
from emojimation.labels import EMOTIONS

Row = dict[str, Any]
FREE = ("source", "version")  # settings in which runs that share one table may differ


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go.

    classes, measures: of the model and asked for besides; the tables have columns for each.
    """

    path: Path
    resume: bool = False
    overwrite: bool = False
    classes: tuple[str, ...] = EMOTIONS
    measures: tuple[str, ...] = ()

    @property
    def journal(self) -> Path:
        """Of the unfinished run."""
        return self.path.with_name(f"{self.path.name}.journal")

    @property
    def errors(self) -> Path:
        """Of the images that could not be read; absent if all could."""
        return self.path.with_name(f"{self.path.name}.errors.jsonl")

    @property
    def settings(self) -> Path:
        """With which the results were made; absent beside those of version 1.0."""
        return self.path.with_name(f"{self.path.name}.settings.json")

    @property
    def extends(self) -> bool:
        """Whether finished results stay, and what is new is added to them."""
        return self.path.exists() and not self.overwrite

    def check(self) -> None:
        """Raise InputError if something would be lost, or this kind of file cannot be written."""
        tables.format_of(self.path)
        if self.path.suffix.lower() == ".parquet":
            tables.rows.load_parquet()
        if self.path.is_dir():
            raise InputError(f"Expected a file's name to write to, got the folder {self.path}.")
        there = next((path for path in (self.journal, self.path) if path.exists()), None)
        if there is not None and not (self.resume or self.overwrite):
            raise InputError(f"Expected a new output, but {there} exists. Give --resume to continue, or --overwrite.")


def earlier_of(output: Output, asked: dict[str, Any]) -> set[str]:
    """Names in finished results that will be extended. Raises InputError for other settings or another kind of file."""
    if not output.extends:
        return set()
    found = _settings(output)
    check_settings(found, {key: asked[key] for key in asked if key in found and key not in FREE}, output.path)
    form = tables.format_of(output.path, output.classes, output.measures)
    try:
        names = {row["source"] for row in form.read(output.path)}
        return names | {row["source"] for row in _old_errors(output)}
    except OSError as error:
        raise InputError(f"Expected results that can be read, got {output.path} ({error.strerror}).") from error


def _settings(output: Output) -> dict[str, Any]:
    try:
        return dict(json.loads(output.settings.read_bytes())) if output.settings.exists() else {}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"Expected the settings of a batch, got something else in {output.settings}: choose another --out."
        ) from error


def _old_errors(output: Output) -> Iterator[Row]:
    # Errors without results belong to a run that was killed while finishing: its journal has them.
    there = output.extends and output.errors.exists()
    return tables.read_jsonl(output.errors) if there else iter(())


def finish(output: Output, journal: Journal, earlier: set[str]) -> list[Path]:
    """Write the files from the journal, each appearing complete, and return those that exist.

    Earlier results stay until then. The journal stays: a kill in between leaves everything for the next run. Raises
    InputError if the disk is full.
    """
    form = tables.format_of(output.path, output.classes, output.measures)
    try:
        # Settings and errors appear first: an image in neither table would be processed again.
        with whole(output.path) as results, whole(output.errors) as errors, whole(output.settings) as settings:
            settings.write_text(json.dumps(journal.asked) + "\n", "utf-8")
            form.write(results, _results(output, form, journal, earlier))
            tables.write_jsonl(errors, _errors(output, journal, earlier))
    except OSError as error:
        raise full_disk(error, output.path) from error
    if not output.errors.stat().st_size:
        output.errors.unlink()
    return [path for path in (output.path, output.errors) if path.exists()]


def _results(output: Output, form: tables.Format, journal: Journal, earlier: set[str]) -> Iterator[Row]:
    if output.extends:
        yield from form.read(output.path)
    for row in journal.rows():
        if "faces" in row and row["source"] not in earlier:
            yield from form.rows(row)


def _errors(output: Output, journal: Journal, earlier: set[str]) -> Iterator[Row]:
    yield from _old_errors(output)
    for row in journal.rows():
        if "faces" not in row and row["source"] not in earlier:
            yield row
