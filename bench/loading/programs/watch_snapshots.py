"""Notes which transactions an onlooker can see, every millisecond or so.

    watch_snapshots.py DATABASE_URL OUTPUT

Writes a line for each change, until standard input ends: microseconds of the epoch after the
answer came, the first number not yet given to a transaction, and those that still run. A
snapshot costs next to nothing: no table is read.
"""

import sys
import threading
import time

import psycopg

# Pause between two looks, in seconds.
PAUSE_S = 0.001


def main(database_url, output):
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    seen = None
    with psycopg.connect(database_url, autocommit=True) as connection, open(output, "w") as file:
        print("watching", flush=True)
        while not done.wait(PAUSE_S):
            snapshot = connection.execute("SELECT pg_current_snapshot()::text").fetchone()[0]
            at = time.time()
            if snapshot != seen:
                seen = snapshot
                _lowest, following, running = snapshot.split(":")
                file.write(f"{at * 1e6:.0f} {following} {running.replace(',', ' ')}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
