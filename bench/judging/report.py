"""The result of a judging: a row a system, a column a measure."""

from common.report import Report, figure, table
from judging import run


class Judged(Report):
    """A report whose table has a row for each system on each set."""

    def __init__(self, bench):
        super().__init__(bench)
        # Set, system, metrics by name.
        self.found = []

    def add(self, work, system, metrics):
        self.found.append((work, system, metrics))
        units = {**run.UNITS, **run.CLASS_UNITS}
        for metric, value in metrics.items():
            self.row(system, work, metric, units[metric], [value])

    def print_rows(self, file):
        for units, mark in ((run.UNITS, "RMSLE"), (run.CLASS_UNITS, "AUC")):
            found = [row for row in self.found if mark in row[2]]
            if found:
                self._table(units, found, file)

    @staticmethod
    def _table(units, found, file):
        head = ["set", "system", *units]
        body = [[work, system, *(f"{metrics[key]:.4f}" if key in run.FINE else figure(metrics[key])
                                 for key in units)] for work, system, metrics in found]
        for line in table(head, body, right=set(range(2, len(head)))):
            print(line, file=file)
