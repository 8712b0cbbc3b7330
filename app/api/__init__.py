"""The imperative shell: HTTP in, HTTP out."""
