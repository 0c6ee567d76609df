"""What becomes of a file: the schema that is proposed, and the time to a served price."""

import json
import time
import tomllib

from common.children import Child
from common.progress import going_on

# Longest a proposal may take, and a price, in seconds: at low priority on a busy machine seconds become minutes.
PROPOSAL_S = 120
PRICE_S = 600
REFUSALS_SHOWN = 3


class Outcome:
    """One file, from its path to a served price."""

    def __init__(self, kind, path, flags=()):
        self.kind = kind
        self.path = path
        self.flags = flags
        # Why there is no price; None where there is one.
        self.trouble = None
        self.rows = self.taken = 0
        # Reasons with their rows, and columns that tell the target.
        self.refused = []
        self.leaks = []
        # What a user must give beside the file; the target is a choice.
        self.edits = sum(flag.startswith("--") and flag != "--target" for flag in flags)
        self.infer_s = self.price_s = None
        self.error = None

    def propose(self, built, directory):
        """Proposes a schema, and writes it where a name must be given to the columns."""
        began = time.monotonic()
        out = _output([built / "model-prepare", "schema", "infer", "--json", *self.flags, self.path],
                      directory / "proposal", PROPOSAL_S)
        self.infer_s = time.monotonic() - began
        if isinstance(out, str):
            self.trouble = out
            return None
        account = out["account"]
        self.taken = account["taken"]
        self.refused = [(kind["code"], kind["rows"]) for kind in account["refused"]]
        self.rows = self.taken + sum(rows for _, rows in self.refused)
        self.leaks = [guess["value"] for guess in account["guesses"] if guess["what"] == "leak"]
        schema = directory / "schema.toml"
        schema.write_text(out["schema"])
        tomllib.loads(out["schema"])
        return schema

    def serve(self, built, directory, schema):
        """Runs the program a user runs, until a price is served."""
        command = [built / "hedonic", "--data", self.path, "--stop-after", "1", "--json",
                   "--timeout-s", str(PRICE_S), "--data-dir", directory / "data"]
        # The columns' names stand in the schema.
        command += ["--schema", schema] if self.edits else self.flags
        out = _output(command, directory / "price", PRICE_S + 60)
        if isinstance(out, str):
            self.trouble = out
            return
        self.price_s = out["first_answer_s"]
        self.error = out.get("holdout_mdape")

    def cells(self):
        """The row of the table."""
        refused = ", ".join(f"{rows:,} {code}" for code, rows in self.refused[:REFUSALS_SHOWN])
        error = "" if self.error is None else f"{100 * self.error:.1f} %"
        return [
            self.kind,
            f"{self.rows:,}",
            str(self.edits),
            refused or "0",
            ", ".join(self.leaks) or "none",
            "" if self.infer_s is None else f"{self.infer_s:.1f}",
            "" if self.price_s is None else f"{self.price_s:.1f}",
            error,
        ]

    def as_json(self):
        return {
            "kind": self.kind,
            "rows": self.rows,
            "edits": self.edits,
            "refused": dict(self.refused),
            "leaks": self.leaks,
            "infer_s": self.infer_s,
            "price_s": self.price_s,
            "median_error": self.error,
            "trouble": self.trouble,
        }


def _output(command, log, limit_s):
    """What a program prints as JSON; a text with the reason where it fails."""
    out, errors = log.with_suffix(".json"), log.with_suffix(".log")
    with open(out, "wb") as stdout:
        child = Child(command, errors, stdout=stdout)
    with going_on(log.name):
        code = child.wait(limit_s)
    if code is None:
        # Where it stands says what it waits for.
        words = child.last_words(2)
        child.stop()
        return f"not done after {limit_s} s; its last words: {words or 'none'}"
    if code != 0:
        words = [line for line in errors.read_text(errors="replace").splitlines() if "error" in line]
        return words[0] if words else f"exit code {code}"
    return json.loads(out.read_text())
