"""For `files`: the kinds of file, and what becomes of one."""
