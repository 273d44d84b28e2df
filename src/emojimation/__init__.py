"""Faces in, honest emotion probabilities and emoji out."""
