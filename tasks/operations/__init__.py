"""Shows and maintains an installation: pages, metrics, events, retention. None of it may fail a job."""
