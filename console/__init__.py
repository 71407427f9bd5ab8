"""What an operator asks from a shell: each command of `reportback reports`, `credentials`, `reconcile`, `doctor`."""
