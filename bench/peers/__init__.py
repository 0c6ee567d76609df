"""The systems that are measured, ours among them, each behind the same seam.

A system has `name`; `startup_limit_s`, how long it may take before its first row; `given_up`, what its log says when it lives on but does nothing any more, or
None; `envelope`, a
pair of texts around each value or None; `prepare(bed)`, which gets what it needs or raises
Missing; `start(bed, load)`, which starts its processes on a topic and gives them; and
`described()`: version and settings.
"""
