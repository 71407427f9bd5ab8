"""What other clients of GitHub do with the same statuses and the same faults."""
