"""The audit: how much may still leak from the published copies, with a bound, told by people.

A sample of published frames is drawn by a written design, people judge it frame by frame, and a
bound follows that holds for this footage. All that an audit knows lies below
``DEST/_manifest/audit``.
"""
