"""One module a resource: convert, call, convert."""
