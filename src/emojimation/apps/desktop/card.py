"""A model's metadata for people, read in a thread. Does not use Tk."""

import threading
from typing import Any

from emojimation.errors import InputError

# Key of the model's metrics -> label on the card.
SHARES = {"accuracy": "accuracy", "macro_f1": "macro-F1", "balanced_accuracy": "balanced accuracy", "ece": "ECE"}


class Card:
    """A model's metadata, read in a thread. found: None until it is read."""

    def __init__(self, model: str) -> None:
        self.found: dict[str, Any] | None = None
        threading.Thread(target=self._read, args=(model,), name="emojimation-card", daemon=True).start()

    def _read(self, model: str) -> None:
        from emojimation.classify.classifier import EmotionClassifier

        try:
            self.found = EmotionClassifier(model).card
        except InputError as error:
            self.found = {"problem": str(error)}


def card_rows(card: dict[str, Any]) -> list[tuple[str, str]]:
    """The model card for people: name and value of each line."""
    if "problem" in card:
        return [("Model", card["problem"])]
    measured = card["metrics"]
    shown = [f"{words} {measured[name]:.1%}" for name, words in SHARES.items() if name in measured]
    shown += [f"on {measured['n']} images"] if "n" in measured else []
    kind = "grey" if card["channels"] == 1 else "colour"
    return [
        ("Model", str(card["name"])),
        ("Input", f"{card['size']} x {card['size']} pixels, {kind}"),
        ("Emotions", ", ".join(card["labels"])),
        ("Not sure below", f"{card['threshold']:.0%} (temperature {card['temperature']:.2f})"),
        *([("Measured", ", ".join(shown))] if shown else []),
        ("Created", f"{card['created']}, commit {str(card['commit'])[:12]}"),
        ("Training data", f"sha256 {str(card['data_sha256'])[:16]}"),
    ]
