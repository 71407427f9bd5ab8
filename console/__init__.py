"""What is asked from a shell: `submit`, and each command of `reports`, `credentials`, `reconcile`, `doctor`."""
