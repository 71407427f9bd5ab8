"""The rules of delivery: what a report is, what an answer means for it, and when to try again. No docs job in here."""
