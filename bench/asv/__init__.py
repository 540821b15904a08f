"""What asv times over the history of the project (asv.conf.json): few things, each within a second."""
