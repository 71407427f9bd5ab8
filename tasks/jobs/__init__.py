"""A job from its acceptance to its end: check out, prepare, run, keep the output, push."""
