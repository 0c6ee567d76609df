"""What `bench/serving` and `bench/swap` measure, and on what."""
