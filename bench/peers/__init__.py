"""The systems that are measured, ours among them, each behind the same seam.

A system has

- `name`;
- `startup_limit_s`, how long it may take before its first row;
- `given_up`, what its log says when it lives on but does nothing any more, or None;
- `prepare(bed)`, which gets what it needs, or raises Missing;
- `start(bed, load)`, which starts its processes on a full topic, as a new group, and gives them;
- `start_on(bed, topic)`, the same on a topic that is being written, where its delay is measured;
- `described()`: version, guarantee and settings.
"""
