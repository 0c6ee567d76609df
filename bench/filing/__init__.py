"""For `files`: the kinds of file."""
