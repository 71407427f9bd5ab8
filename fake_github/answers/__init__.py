"""What the stand-in answers: bodies, pages, refusals, and compressed bodies that must not be read."""
