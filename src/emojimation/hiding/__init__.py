"""The one owner of hiding: how faces are searched so that nobody is missed, what is covered, and what is said of it."""
