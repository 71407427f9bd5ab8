"""Jobs with many warnings while GitHub fails: what their check runs show in the end, and what it took."""
