"""``fst serve``: a page and a service over :func:`fst.load`. Only here is FastAPI imported."""
