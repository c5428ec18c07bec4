"""A simulated exchange that sells market data: slow, limited, and the same for the same seed.

Prices follow from the seed, the symbol and the second alone, so that any two feeds with one seed agree. It
knows every well-formed symbol. It answers at most `lanes` calls at a time, each after `latency_ms`; further
calls wait in a queue of bounded length, and are refused with 429 when that is full.
"""
