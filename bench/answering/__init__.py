"""What `bench/serving`, `bench/profile` and `bench/swap` measure, and on what."""
