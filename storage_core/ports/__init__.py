"""The seams: what the steps need from the outside world. Imports records only.

Network ports are asynchronous; they are called on the one event loop that owns all network I/O. The ledger
(the index) is synchronous; it is called on the one thread that owns DuckDB. Neither sees the other.

Errors of the network ports, unless a method says otherwise:
    RestError (one call was refused), AccessError (the token is not accepted: stop), ServiceUnavailable
    (nobody answers: stop). Retries have already happened when one of these arrives.
"""
