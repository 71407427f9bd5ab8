"""What `reportback doctor` looks at: each module one thing, each function a few findings."""
