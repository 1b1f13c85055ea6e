"""How good a net is: artifacts, one pass against the optimization, reports, style pages."""
