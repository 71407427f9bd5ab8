"""What shows and keeps an installation well: pages, metrics, events, retention. None of it may fail a job."""
