"""What the service is measured beside: how most would write it, R, and servers that do less than answer."""
