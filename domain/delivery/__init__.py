"""Rules of delivery: reports, what GitHub's answers mean, and when to try again. Independent of docs jobs."""
