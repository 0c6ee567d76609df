"""What `bench/loader` measures, and on what."""
