"""The commands of the `reportback` CLI: `submit`, `reports`, `credentials`, `reconcile`, `doctor` and others."""
