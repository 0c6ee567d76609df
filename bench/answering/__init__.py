"""What `bench/serving`, `bench/profile` and `bench/swap` measure, and on what."""

# The environment comes before the packages that are imported here.
import common  # noqa: F401
