"""``fst stylize --engine ray``: the photos of a folder or table, painted by many workers.

This process reads what there is to do, hands it out in batches and notes what came of it in a
manifest; workers paint. Only :mod:`~fst.interfaces.engine.cluster` and
:mod:`~fst.interfaces.engine.pool` know Ray.
"""
