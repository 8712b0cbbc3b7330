"""The wire contract: pydantic models of requests and responses."""
