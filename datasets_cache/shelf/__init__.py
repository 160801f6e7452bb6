"""The published traces and their checks.

    fetch             Fetches a release into the cache, from a web server or a folder that holds it with its registry
    invariants        What must hold within one stored trace, whatever was measured
    registry          The sha256 of every published file, in the form that pooch reads: one line a file
    row_fingerprints  A fingerprint of every published row
    sensitivities     Sensitivities by model and task: those that come with the package
    shelf             The published traces: named releases that lie beside the code or were fetched
    shipped_files     The sha256 of every data file that comes with the package
    verify            Checks published traces: every checksum, every row against its fingerprint

May import: ``files``, ``tasks``.
"""
