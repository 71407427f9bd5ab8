"""What happens when: no HTTP, no SQL. Each module is one deployment."""
