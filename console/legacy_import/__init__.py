"""Takes over what the job files of the system before this one still owe their commits."""
