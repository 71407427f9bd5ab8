"""What an operator sees: pages, figures, log lines and what removes a rejection's cause."""
