"""How files are written, read and checked.

    checksum        The sha256 of a file, and of values as JSON
    json_arrays     Arrays inside JSON, bit for bit and quick to read
    json_file       The one way to read JSON, which may be damaged or made by anybody
    lock            A lock that one process holds and every other is refused
    markdown_table  The one writer of Markdown tables
    optional        Turns a missing optional dependency into an error that names the extra to install
    possible_path   A text that a person gave, as a path where it can be one
    processes       Work spread over processes that compute in one thread each
    sizes           Sizes of memory as people write and read them
    state_file      Versioned JSON state files with their own checksum: how fitted models are kept without pickles
    whole_file      The one atomic write of files and folders

May import: ``perfmodel.errors`` only.
"""
