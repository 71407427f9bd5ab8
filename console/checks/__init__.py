"""The checks of `reportback doctor`: each module checks one part, and returns findings."""
