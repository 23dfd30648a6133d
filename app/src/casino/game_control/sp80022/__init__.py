"""The fifteen tests of NIST SP 800-22 rev. 1a over the generator's output.

Sections in the docstrings are the standard's. A sequence is an array of bits (0 and 1 as uint8), a result maps the
names of statistics to p-values. It needs the extra `laboratory` (numpy), which the casino's image does not carry.
"""
