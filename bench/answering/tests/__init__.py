"""The arithmetic of `bench/serving` and `bench/swap`.

    python3 -m unittest discover -s bench -t bench
"""
