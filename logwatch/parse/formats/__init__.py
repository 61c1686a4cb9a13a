"""Structured formats: JSON lines, logfmt, syslog, CRI, journald. Each line tells its own format, by itself.

`read` finds the rows that are of a format and turns each into fields; `logwatch.parse.formats.gather` makes the same
columns of all of them: time, level, scope, message, text for people, values for the detectors. Rows of no format are
left to the header reader of plain lines.
"""
