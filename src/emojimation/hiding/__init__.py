"""The one owner of hiding: how to detect everybody, what to cover, and how to report it."""
