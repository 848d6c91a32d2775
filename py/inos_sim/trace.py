"""A recorded trace of a real browser's disk calls: its format, and reading it.

JSON lines, one object a line, in the order in which the calls *returned* in the io worker. ``op`` says what it is; unknown
fields and unknown ops are ignored (so a recorder may log more), except that a line without ``op`` is an error.

    {"op": "trace", "version": 1, "browser": "Chrome/156..."}              the first line
    {"op": "key", "wrapped": hex, "plain": hex}                           what the device key unwraps ``wrapped`` to: one line
                                                                          for each WrapKey and UnwrapKey that was answered
    {"op": "open", "file": "seg-0000", "created": true}                   opened; ``created``: it was not there before
    {"op": "write", "file", "offset", "length", "data": base64}           written whole; ``length`` is what was really written,
                                                                          ``data`` at least as long (a short write: longer)
    {"op": "write", "file", "offset", "length", "blob": sha256 hex}       the same; the bytes are in the file of that name in
                                                                          the folder ``TRACE.blobs`` beside the trace
    {"op": "truncate", "file", "size"}                                    the size was set
    {"op": "flush", "file"}                                               a flush *returned* (a failed one is not logged)
    {"op": "close", "file"}                                               the handle was closed
    {"op": "begin", "call": 7, "kind": "put", "name", "size", "sha256"}   a call of the page's API begins. ``kind``: put, remove
    {"op": "begin", "call": 8, "kind": "remove", "root": hex}             or other (which says nothing about files)
    {"op": "ack", "call": 7, "root": hex}                                 it was acknowledged; ``root`` for a put
    {"op": "fail", "call": 7}                                             it was refused: nothing is claimed for it
    {"op": "kill"}                                                        the browser was killed and started again: handles and
                                                                          memory are gone, the page cache is not

Reads and sizes need no line. ``begin`` must stand before the first call on the disk that the API call causes, ``ack`` after
the last that it waited for: log ``begin`` before sending the request, and ``ack`` when the answer is there. So an
acknowledgement is never claimed earlier than it was given, and every call on the disk before it counts as made. ``name`` and
``sha256`` are of the file as the page gave it. File names are the vault's own (sb0, sb1, log-a, log-b, keys, seg-0000, ...);
calls on others are ignored.

Nouns: a *call* on the disk is a line of a change or a flush; a *claim* is what the acknowledgements so far say: which files
must be there, which must not, and which may be either.
"""
