"""What the stand-in answers: bodies, pages and refusals."""
