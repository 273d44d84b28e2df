"""The page without a server: a folder of static files in which everything runs in the visitor's browser."""
